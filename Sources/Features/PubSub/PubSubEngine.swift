internal import NIOCore
internal import Server
internal import Storage
internal import XMPP

extension Kernel {
    /// The one loop that sends the notifications of a service, in the order of its events.
    func loop(of host: PubSubHost) -> LoopReference {
        loops[Int(UInt(bitPattern: host.address.hashValue) % UInt(loops.count))]
    }
}

/// Carries requests to nodes into transactions, and what they bring about to those who are to know of it.
struct PubSubEngine: Sendable {
    unowned let kernel: Kernel
    let limits: PubSubLimits

    init(kernel: Kernel) {
        self.kernel = kernel
        limits = PubSubLimits(
            nodes: kernel.configuration[PubSub.nodeLimit], itemsPerNode: kernel.configuration[PubSub.itemLimit],
            payloadSize: kernel.configuration[PubSub.payloadLimit].bytes, bytes: kernel.configuration[PubSub.byteLimit].bytes)
    }

    // MARK: Requests

    /// The service that a request is addressed to.
    func host(of request: IQRequest) -> PubSubHost {
        switch request.asked {
        case .account: PubSubHost(account: request.to.bare, request.account, limits)
        case .server, .services, .service: hostedService(at: request.to)
        }
    }

    func hostedService(at jid: JID) -> PubSubHost {
        let address = jid.domainJID
        let domain = kernel.domains.keys.first { "\(PubSub.label).\($0)" == address.description }
        return PubSubHost(service: address, below: domain ?? address, limits)
    }

    /// Answers a request with `<pubsub/>` in one of its two namespaces.
    func answer(_ request: IQRequest, in namespace: Namespace) async throws(StanzaError) -> ByteBuffer? {
        guard let action = request.payload.children.first(where: { $0.isIn(namespace) }) else {
            throw StanzaError(.badRequest, "it is not said what is to be done")
        }
        guard let kind = PubSubRequest.kind(request.type, action, in: namespace) else {
            throw StanzaError(.featureNotImplemented)
        }
        let asked = PubSubRequest(from: request.from, pubsub: request.payload, action: action)
        let host = host(of: request)
        // Whether a subscription ends with presence is found when presence ends; until then only that it may.
        if kind.writes, action.isNamed("subscribe") || action.isNamed("options"), let account = kernel.accounts[request.from.bare] {
            PubSubPresence.noteTemporarySubscription(of: account)
        }
        if kind.writes { return try await change(host) { try kind.ability(asked, $0) } }
        return try await kernel.read(of: host.address) { try kind.ability(asked, NodeStore($0, host, now: kernel.clock.date)).answer }
    }

    // MARK: Changes

    /// Changes something at a service; on return it is on disk, and everybody has been sent what is to be told.
    @discardableResult
    func change(
        _ host: PubSubHost, _ body: @escaping @Sendable (NodeStore) throws -> PubSubOutcome
    ) async throws(StanzaError) -> ByteBuffer? {
        let result: Result<ByteBuffer?, StanzaError> = await withCheckedContinuation { continuation in
            change(host, body) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// As `change(_:_:)`, for callers that do not wait.
    func change(
        _ host: PubSubHost, _ body: @escaping @Sendable (NodeStore) throws -> PubSubOutcome,
        completion: @escaping @Sendable (Result<ByteBuffer?, StanzaError>) -> Void
    ) {
        kernel.database.write { transaction in
            let store = NodeStore(transaction, host, now: kernel.clock.date)
            var outcome = try body(store)
            outcome.announcements += try store.react()
            outcome.afterwards = store.changes.afterwards
            return outcome
        } completion: { result in
            if case .success(let outcome) = result {
                for body in outcome.afterwards { body() }
            }
            switch result {
            case .failure(let error): completion(.failure(kernel.refusal(of: error, host.address)))
            case .success(let outcome) where outcome.announcements.isEmpty: completion(.success(outcome.answer))
            case .success(let outcome):
                kernel.loop(of: host).execute { loop in
                    let notifier = Notifier(kernel: kernel)
                    for announcement in outcome.announcements { notifier.send(announcement, of: host, on: loop) }
                    // Before the answer, so that who has made the change hears of it first.
                    loop.flush()
                    completion(.success(outcome.answer))
                }
            }
        }
    }
}
