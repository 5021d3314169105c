internal import Accounts
internal import NIOCore
internal import TLS
internal import XMPP

extension StreamHandler {
    /// The attempt to log in at hand, as the throttle knows it.
    private static let attempt = StreamSlot<LoginAttempt?> { nil }

    static let throttled = "too many log-ins have failed lately"

    /// The attempt to log in has ended; told to the throttle once.
    func endAttempt(_ outcome: Throttle.Outcome) {
        self[Self.attempt]?.end(outcome)
        self[Self.attempt] = nil
    }

    /// Asks the accounts of the stream's domain something about a user that has to be waited for, if the throttle lets
    /// the question pass; the stream reads nothing meanwhile.
    /// - Parameter then: called on the stream's event loop unless the stream has been closed; it is given nil where the
    ///   question did not pass.
    func ask<Answer: Sendable>(
        about username: String, _ question: @escaping @Sendable (Domain) async -> Answer,
        then: @escaping @Sendable (StreamHandler, Answer?) throws(StreamError) -> Void
    ) {
        guard let domain = machine.domain.flatMap({ kernel.domain($0) }) else { return }
        let (decision, attempt) = kernel.throttle.begin(domain.account(username), from: address)
        self[Self.attempt] = attempt
        let resume = pause()
        switch decision {
        case .refuse:
            run(resume, then)(nil)
        case .proceed(after: .zero):
            ask(domain, question, then: run(resume, then))
        case .proceed(let delay):
            let answer = run(resume, then)
            let reference = kernel.loops[loop.index]
            loop.eventLoop.scheduleTask(in: TimeAmount(delay)) {
                Self.ask(domain, on: reference, question, then: answer)
            }
        }
    }

    /// As `ask(about:)`, without the throttle: for those who have proved who they are.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (Domain) async -> Answer,
        then: @escaping @Sendable (StreamHandler, Answer?) throws(StreamError) -> Void
    ) {
        guard let domain = machine.domain.flatMap({ kernel.domain($0) }) else { return }
        ask(domain, question, then: run(pause(), then))
    }

    private func ask<Answer: Sendable>(
        _ domain: Domain, _ question: @escaping @Sendable (Domain) async -> Answer,
        then answer: @escaping @Sendable (Answer?) -> Void
    ) {
        Self.ask(domain, on: kernel.loops[loop.index], question, then: answer)
    }

    private static func ask<Answer: Sendable>(
        _ domain: Domain, on reference: LoopReference, _ question: @escaping @Sendable (Domain) async -> Answer,
        then answer: @escaping @Sendable (Answer?) -> Void
    ) {
        // A directory's client is a library that reads files when it likes.
        if domain.isLocal {
            reference.task { answer(await question(domain)) }
        } else {
            Task { answer(await question(domain)) }
        }
    }

    private func run<Answer: Sendable>(
        _ resume: @escaping @Sendable () -> Void,
        _ then: @escaping @Sendable (StreamHandler, Answer?) throws(StreamError) -> Void
    ) -> @Sendable (Answer?) -> Void {
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let reference = kernel.loops[loop.index]
        return { answer in
            reference.execute { _ in
                let stream = bound.value
                defer { resume() }
                guard !stream.machine.isClosing else { return }
                do throws(StreamError) { try then(stream, answer) } catch { stream.close(error) }
            }
        }
    }

    // MARK: Channel bindings

    /// The connection's TLS, if there is some.
    var tls: TLSHandler? { facts.contains(.encrypted) ? handlerBelow(TLSHandler.self) : nil }

    /// XEP-0440: what binds an exchange to the TLS connection. Costs more than the rest of a log-in of ours.
    var channelBindings: [ChannelBinding] {
        guard let tls else { return [] }
        return [
            tls.exporterChannelBinding.map { ChannelBinding(.tlsExporter, data: $0) },
            tls.serverEndPoint.map { ChannelBinding(.tlsServerEndPoint, data: $0) },
        ].compactMap { $0 }
    }
}

extension TLSHandler {
    /// The channel bindings that the connection has data for; asked for on every log-in, the data only on some.
    var channelBindingTypes: [ChannelBindingType] {
        (isExportable ? [.tlsExporter] : []) + (serverEndPoint == nil ? [] : [.tlsServerEndPoint])
    }
}

extension SASLContext {
    /// What is known of a stream that begins to authenticate.
    /// - Parameter accepts: whether an address is one that the client may name.
    init(_ stream: StreamHandler, accepts: @escaping @Sendable (JID) -> Bool = { _ in true }) {
        let offer = stream.authenticationOffer
        let domain = stream.machine.domain
        self.init(
            offer: offer.sasl, downgradeProtection: offer.downgradeProtection, hashes: Self.hashes, decoy: Self.decoy,
            isOwnIdentity: { authzid, username in
                guard let domain, let own = try? JID(local: username, of: domain), let named = try? JID(authzid) else {
                    return false
                }
                return named == own && accepts(named)
            })
    }

    /// Of no use here: for accounts that do not exist, the domain's credentials have keys as well.
    private static let decoy = ScramDecoy(secret: randomBytes(32), iterations: 4_096)

    /// The hash functions of SCRAM, by OpenSSL.
    static let hashes: [ScramHash] = ScramHash.Name.allCases.map { name in
        let hash = Hash(name)
        return ScramHash(name, digest: { hash.digest($0) }, hmac: { hash.hmac(key: $0, $1) })
    }
}

extension Hash {
    init(_ name: ScramHash.Name) {
        switch name {
        case .sha1: self = .sha1
        case .sha256: self = .sha256
        case .sha512: self = .sha512
        }
    }
}
