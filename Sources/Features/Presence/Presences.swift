internal import NIOCore
package import Server
internal import XMPP

/// RFC 6121 §4: presence is broadcast to whom it may concern, directed where the client wants, and probed for.
package struct Presences: Feature {
    package static let xeps: [Int] = []

    private unowned let kernel: Kernel

    package init(kernel: Kernel) {
        self.kernel = kernel
    }

    package var registrations: [[Registration]] {
        [
            Registration.presence(.fromClient, .deliver) { stanza, scope throws(StanzaError) in
                try sent(stanza, scope)
            },
            Registration.presence(.toAccount, .deliver) { stanza, scope throws(StanzaError) in
                guard stanza.type == .probe else { return .next }
                answerProbe(stanza, scope)
                return .handled
            },
            Registration.sessionEnded { session, last in
                // §4.5.2: the server tells on behalf of a client that cannot any more.
                guard last.isAvailable || !session[DirectedPresence.receivers].isEmpty else { return }
                broadcast(
                    Stanza(.presence, type: .unavailable, from: session.jid, to: nil), of: session.account,
                    wasBroadcast: last.isAvailable, session)
            },
        ]
    }

    // MARK: From our clients

    private func sent(_ stanza: Stanza, _ scope: HookScope) throws(StanzaError) -> Verdict {
        guard let session = scope.session else { return .next }
        switch (stanza.type, stanza.to) {
        case (.available, nil):
            becomeAvailable(stanza, session, try Self.priority(of: stanza))
            return .handled
        case (.unavailable, nil):
            becomeUnavailable(stanza, session)
            return .handled
        case (.available, let receiver?), (.unavailable, let receiver?):
            DirectedPresence.note(stanza.type, to: receiver, from: session)
            return .next
        case (.probe, _), (.error, _):
            return stanza.to == nil ? .handled : .next
        default:
            return .next
        }
    }

    /// §4.7.2.3: −128…127, 0 if it is not said.
    private static func priority(of stanza: Stanza) throws(StanzaError) -> Int8 {
        guard let text = stanza.element?.child("priority")?.text else { return 0 }
        let digits = text.filter { !$0.isWhitespace }
        guard let priority = Int8(digits) else {
            throw StanzaError(.badRequest, "the priority is not a number from -128 to 127")
        }
        return priority
    }

    private func becomeAvailable(_ stanza: Stanza, _ session: Session, _ priority: Int8) {
        var content = ByteBuffer()
        stanza.element?.writeContent(into: &content, inheriting: Namespace.client.description)
        let presence = AvailablePresence(priority: priority, content: content, language: stanza.element?.language)
        var isInitial = false
        session.account.withState { state in
            state.updateSession(session.handle.id) { bound in
                isInitial = !bound.isAvailable
                bound.presence = presence
            }
        }
        broadcast(stanza, of: session.account, wasBroadcast: true, session)
        if isInitial {
            learnPresence(session)
            for body in kernel.registry.becameAvailable { body(session) }
        }
    }

    private func becomeUnavailable(_ stanza: Stanza, _ session: Session) {
        var wasAvailable = false
        session.account.withState { state in
            state.updateSession(session.handle.id) { bound in
                wasAvailable = bound.isAvailable
                bound.presence = nil
            }
        }
        broadcast(stanza, of: session.account, wasBroadcast: wasAvailable, session)
        // §4.5.2: the sending resource hears of it as well.
        if wasAvailable { session.send(addressed(stanza, to: session.account.jid)) }
        session[DirectedPresence.receivers] = []
        if wasAvailable { for body in kernel.registry.becameUnavailable { body(session, stanza) } }
    }

    // MARK: Broadcast

    /// §4.2.2, §4.4.2, §4.5.2: to the contacts that are subscribed, to the account's own available resources, and at
    /// the end to whom the client has sent directed presence.
    private func broadcast(_ stanza: Stanza, of account: Account, wasBroadcast: Bool, _ session: Session) {
        let loop = session.loop
        let (subscribers, own) = account.withState { state in
            (
                wasBroadcast ? state.roster.subscribers : [],
                wasBroadcast ? state.sessions.filter(\.isAvailable).map(\.handle) : []
            )
        }
        for contact in subscribers { loop.kernel.send(addressed(stanza, to: contact), on: loop) }
        if !own.isEmpty { loop.send(addressed(stanza, to: account.jid), to: own) }
        guard stanza.type == .unavailable else { return }
        let directed = session[DirectedPresence.receivers]
        guard !directed.isEmpty else { return }
        let told = Set(subscribers)
        for receiver in directed where !told.contains(receiver.bare) || receiver.isFull && !wasBroadcast {
            loop.kernel.send(addressed(stanza, to: receiver), on: loop)
        }
    }

    private func addressed(_ stanza: Stanza, to receiver: JID) -> Stanza {
        var stanza = stanza
        stanza.to = receiver
        return stanza
    }

    // MARK: Probes

    /// §4.2.2, §4.3: a resource that has become available learns the presence of its contacts and of its siblings.
    private func learnPresence(_ session: Session) {
        let loop = session.loop
        let (contacts, siblings) = session.account.withState { state in
            (state.roster.subscriptions, state.sessions.filter { $0.isAvailable && $0.handle != session.handle })
        }
        for sibling in siblings { session.send(presence(of: sibling, to: session.jid)) }
        for contact in contacts {
            loop.kernel.send(Stanza(.presence, type: .probe, from: session.jid, to: contact), on: loop)
        }
    }

    /// §4.3.2: somebody wants to know whether the account is available.
    private func answerProbe(_ stanza: Stanza, _ scope: HookScope) {
        guard let prober = stanza.from else { return }
        let account = scope.account
        let (isAllowed, sessions) = account.withState { state in
            (
                prober.hasSameBare(as: account.jid) || state.roster[prober.bare]?.subscription.from == true,
                state.sessions.filter(\.isAvailable)
            )
        }
        guard isAllowed else {
            // §4.3.2: so that the other side's roster tells the truth again.
            return kernel.send(Stanza(.presence, type: .unsubscribed, from: account.jid, to: prober.bare), on: scope.loop)
        }
        for session in sessions { kernel.send(presence(of: session, to: prober), on: scope.loop) }
    }

    private func presence(of session: BoundSession, to receiver: JID) -> Stanza {
        var stanza = Stanza(.presence, type: .available, from: session.handle.jid, to: receiver)
        stanza.content = session.presence?.content
        stanza.language = session.presence?.language
        return stanza
    }
}
