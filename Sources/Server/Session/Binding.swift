internal import Logging
internal import NIOCore
internal import XMPP

/// Binds resources: makes sessions, and settles conflicts between them (RFC 6120 §7).
package struct Binding: Sendable {
    /// What happens when a resource is asked for that another session has (RFC 6120 §7.7.2.2).
    package enum ConflictPolicy: String, CaseIterable, Sendable {
        /// The new session replaces the old one: usually the same device after a lost connection.
        case replace
        /// The new session gets a resource made up by the server.
        case rename
        /// The new session is refused.
        case refuse
    }

    package static let conflictPolicy = Setting(
        "sessions.resource-conflict", default: ConflictPolicy.replace,
        "What happens when a client asks for a resource that is in use: replace the old session, rename the new one, or refuse it.")

    package static let sessionsPerAccount = Setting(
        "sessions.per-account", default: 50, in: 1...10_000,
        "How many sessions one account may have at the same time.")

    private unowned let kernel: Kernel
    private let policy: ConflictPolicy
    private let limit: Int

    init(kernel: Kernel) {
        self.kernel = kernel
        policy = kernel.configuration[Self.conflictPolicy]
        limit = kernel.configuration[Self.sessionsPerAccount]
    }

    /// Binds a resource of an account; the completion is called on the stream's event loop.
    /// - Parameters:
    ///   - requested: what the client asks for; nil or empty leaves the choice to the server.
    ///   - device: the installation of the client, whose earlier sessions end (XEP-0386 §3.2).
    func bind(
        _ jid: JID, resource requested: String?, device: String? = nil, stream: NIOLoopBound<StreamHandler>,
        completion: @escaping @Sendable (Result<Session, StanzaError>) -> Void
    ) {
        let full: JID
        do {
            // §7.7.2.1: of what is no resourcepart, the server makes one.
            full = try requested.flatMap { $0.isEmpty ? nil : try? jid.with(resource: $0) } ?? Self.unguessable(jid)
        } catch {
            return completion(.failure(StanzaError(.internalServerError)))
        }
        let reference = kernel.loops[stream.value.loop.index]
        kernel.accounts.load(jid, isKnown: true) { result in
            reference.execute { loop in
                switch result {
                case .loaded(let account):
                    attempt(full, device, account, stream, on: loop, completion)
                case .unknown:
                    completion(.failure(StanzaError(.notAllowed, "the account is gone")))
                case .failed(let reason):
                    kernel.logger.error(
                        "An account cannot be read.", metadata: [LogKeys.jid: "\(jid)", LogKeys.reason: "\(reason)"])
                    completion(.failure(StanzaError(.internalServerError, kind: .wait)))
                }
            }
        }
    }

    /// A resource that nobody can foresee (RFC 6120 §7.6; XEP-0409 on why it matters).
    private static func unguessable(_ jid: JID) throws(JIDError) -> JID {
        try jid.with(resource: StreamHandler.randomID())
    }

    private func attempt(
        _ full: JID, _ device: String?, _ account: Account, _ stream: NIOLoopBound<StreamHandler>, on loop: LoopContext,
        _ completion: @escaping @Sendable (Result<Session, StanzaError>) -> Void
    ) {
        enum Outcome { case bound, replaces(SessionHandle), taken(SessionHandle), full(away: SessionHandle?) }
        // The peer may have gone while its account was being read.
        guard !stream.value.machine.isClosing else { return }
        let handle = SessionHandle(id: kernel.nextSessionID(), jid: full, loop: loop.index)
        var outcome = Outcome.bound
        let isLoaded = kernel.accounts.bind(account) { state in
            if let device, let former = state.sessions.first(where: { $0.device == device }) {
                outcome = .replaces(former.handle)
            } else if let other = state.sessions.first(where: { $0.handle.jid == full }) {
                outcome = .taken(other.handle)
            } else if state.sessions.count >= limit {
                outcome = .full(away: state.sessions.first(where: \.isAway)?.handle)
            } else {
                state.sessions.append(BoundSession(handle: handle, device: stream.value.device))
            }
        }
        guard isLoaded else {
            return bind(account.jid, resource: full.resource, device: device, stream: stream, completion: completion)
        }
        switch outcome {
        case .bound:
            let session = Session(handle: handle, account: account, stream: stream.value, loop: loop)
            loop.add(session)
            stream.value.attach(session)
            for body in kernel.registry.sessionBound { body(session) }
            completion(.success(session))
        case .replaces(let former):
            end(former, of: account, comingBackTo: loop) { attempt(full, device, account, stream, on: $0, completion) }
        case .full(let other?):
            // Who has lost its connection makes room.
            end(other, of: account, comingBackTo: loop) { attempt(full, device, account, stream, on: $0, completion) }
        case .full(nil):
            completion(.failure(StanzaError(.resourceConstraint, "the account has too many sessions", kind: .wait)))
        case .taken(let other):
            settle(full, device, taken: other, account, stream, on: loop, completion)
        }
    }

    private func settle(
        _ full: JID, _ device: String?, taken other: SessionHandle, _ account: Account, _ stream: NIOLoopBound<StreamHandler>,
        on loop: LoopContext, _ completion: @escaping @Sendable (Result<Session, StanzaError>) -> Void
    ) {
        switch policy {
        case .replace:
            end(other, of: account, comingBackTo: loop) { attempt(full, device, account, stream, on: $0, completion) }
        case .rename:
            bind(account.jid, resource: nil, device: device, stream: stream, completion: completion)
        case .refuse:
            completion(.failure(StanzaError(.conflict)))
        }
    }
}

extension Binding {
    /// Ends a session whose place is wanted, and then goes on where that was found out.
    private func end(
        _ other: SessionHandle, of account: Account, comingBackTo loop: LoopContext,
        then body: @escaping @Sendable (LoopContext) -> Void
    ) {
        let back = kernel.loops[loop.index]
        kernel.find(other) { session, _ in
            session?.close(StreamError(.conflict, "the resource was bound by another session"))
            // It is gone from there already if its connection was just being lost.
            account.used().withState { $0.sessions.removeAll { $0.handle == other } }
            back.execute(body)
        }
    }
}

extension Session {
    /// The session is over: its account forgets it, and the features tell whoever must know.
    func end() {
        var last: BoundSession?
        // What is done at the end is done with an account in memory.
        let isRemoved = account.used().withState { state in
            if let index = state.sessions.firstIndex(where: { $0.handle == handle }) {
                last = state.sessions.remove(at: index)
            }
            return state.isRemoved
        }
        loop.remove(self)
        for former in formerLoops { kernel.loops[former].execute { [id = handle.id] in $0.forget(id) } }
        if let id = management?.resumption?.id { kernel.resumptions[id] = nil }
        kernel.sessionEnded()
        defer { stream = nil }
        if isRemoved { kernel.accounts.forget(account.jid) }
        guard let last else { return }
        if !last.isAway, !isRemoved { tellOfLoss(last) }
        for body in kernel.registry.sessionEnded { body(self, last) }
        guard let unacknowledged = management?.unacknowledged, !isRemoved else { return }
        management = nil
        redeliver(unacknowledged)
    }
}
