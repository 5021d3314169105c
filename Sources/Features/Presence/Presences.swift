internal import NIOCore
package import Server
internal import XMPP

/// RFC 6121 §4: presence is broadcast to whom it may concern, directed where the client wants, and probed for.
package struct Presences: Feature {
    package static let xeps: [Int] = []

    /// What an account's subscribers were told.
    struct Told {
        /// The resources that they were told are available, and not yet that they are not.
        private(set) var available: [SessionHandle] = []
        /// How often they were told something.
        private(set) var count = 0
        /// How many ends of subscriptions are under way, and who has become unavailable since the first of them began:
        /// a subscriber may have been told that they are available, and not be told any more that they are not.
        private var ends = 0
        private var gone: Set<JID> = []

        /// Subscribers are being told something.
        mutating func tell() { count += 1 }

        mutating func becameAvailable(_ session: SessionHandle) { available.append(session) }

        mutating func becameUnavailable(_ session: SessionHandle) {
            guard let index = available.firstIndex(of: session) else { return }
            available.remove(at: index)
            if ends > 0 { gone.insert(session.jid) }
        }

        /// A subscription is going to end.
        mutating func beginEnd() { ends += 1 }

        /// All that subscribers were told before the end of a subscription has reached them.
        /// - Returns: the resources that they may have been told are available since the end began.
        mutating func finishEnd() -> Set<JID> {
            defer {
                ends -= 1
                if ends == 0 { gone = [] }
            }
            return gone.union(available.map(\.jid))
        }
    }

    static let told = AccountSlot(Told())

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
                switch stanza.type {
                case .probe:
                    answerProbe(stanza, scope)
                    return .handled
                case .unavailable:
                    if let sender = stanza.from { DirectedPresence.becameUnavailable(sender, to: stanza.to, scope.account) }
                    return .next
                default:
                    return .next
                }
            },
            Registration.sessionPart("presence") { session in
                session.account.withState { DirectedPresence.saved(session.handle, in: $0) }
            } restore: { session, saved in
                session.account.withState { state in
                    DirectedPresence.restore(saved, of: session.handle, in: &state)
                    guard state.sessions.contains(where: { $0.handle == session.handle && $0.isAvailable }) else { return }
                    state[Self.told].becameAvailable(session.handle)
                }
            },
            Registration.sessionEnded { session, last in
                // §4.5.2: the server tells on behalf of a client that cannot any more.
                let audience = session.account.withState { state in
                    Audience(of: session.handle, in: &state, wasAvailable: last.isAvailable)
                }
                broadcast(Stanza(.presence, type: .unavailable, from: session.jid, to: nil), to: audience, session)
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
            DirectedPresence.sent(stanza.type, to: receiver, by: session)
            return .next
        case (.probe, nil), (.error, nil):
            return .handled
        default:
            return .next
        }
    }

    /// §4.7.2.3: −128…127, 0 if it is not said.
    private static func priority(of stanza: Stanza) throws(StanzaError) -> Int8 {
        guard let text = stanza.element?.child("priority")?.text else { return 0 }
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
        let digits = text.drop(while: isBlank)
        guard let end = digits.lastIndex(where: { !isBlank($0) }), let priority = Int8(digits[...end]) else {
            throw StanzaError(.badRequest, "the priority is not a number from -128 to 127")
        }
        return priority
    }

    private func becomeAvailable(_ stanza: Stanza, _ session: Session, _ priority: Int8) {
        var content = ByteBuffer()
        stanza.element?.writeContent(into: &content, inheriting: Namespace.client.description)
        var presence = AvailablePresence(priority: priority, content: content, language: stanza.element?.language ?? stanza.language)
        presence.id = stanza.identifier
        // In one step with the change, so that a subscription that is granted meanwhile sees the one or the other.
        let (isInitial, audience) = session.account.withState { state in
            var isInitial = false
            state.updateSession(session.handle.id) { bound in
                isInitial = !bound.isAvailable
                bound.presence = presence
            }
            if isInitial { state[Self.told].becameAvailable(session.handle) }
            return (isInitial, Audience(in: &state))
        }
        broadcast(stanza, to: audience, session)
        if isInitial {
            learnPresence(session)
            for body in kernel.registry.becameAvailable { body(session) }
        }
        for body in kernel.registry.presenceBroadcast { body(session) }
    }

    private func becomeUnavailable(_ stanza: Stanza, _ session: Session) {
        let (wasAvailable, audience) = session.account.withState { state in
            var wasAvailable = false
            state.updateSession(session.handle.id) { bound in
                wasAvailable = bound.isAvailable
                bound.presence = nil
            }
            return (wasAvailable, Audience(of: session.handle, in: &state, wasAvailable: wasAvailable))
        }
        broadcast(stanza, to: audience, session)
        guard wasAvailable else { return }
        // §4.5.2: "as well as to the resource that generated the unavailable presence in the first place"
        session.send(addressed(stanza, to: session.account.jid))
        for body in kernel.registry.becameUnavailable { body(session, stanza) }
    }

    // MARK: Broadcast

    /// Who hears of a change.
    private struct Audience {
        var subscribers: [JID] = []
        /// The account's own available resources.
        var own: [SessionHandle] = []
        /// Who was sent directed presence.
        var directed: [JID] = []

        /// §4.2.2, §4.4.2: of available presence.
        init(in state: inout AccountState) {
            state[Presences.told].tell()
            subscribers = state.roster.subscribers
            own = state.sessions.filter(\.isAvailable).map(\.handle)
        }

        /// §4.5.2: of unavailable presence.
        init(of session: SessionHandle, in state: inout AccountState, wasAvailable: Bool) {
            state[Presences.told].becameUnavailable(session)
            if wasAvailable { self = Audience(in: &state) }
            let told = Set(subscribers)
            directed = DirectedPresence.end(session, in: &state).filter { !told.contains($0.bare) }
        }
    }

    private func broadcast(_ stanza: Stanza, to audience: Audience, _ session: Session) {
        let loop = session.loop
        for contact in audience.subscribers { kernel.send(addressed(stanza, to: contact), on: loop) }
        if !audience.own.isEmpty { loop.send(addressed(stanza, to: session.account.jid), to: audience.own) }
        for receiver in audience.directed { kernel.send(addressed(stanza, to: receiver), on: loop) }
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
        for sibling in siblings { session.send(Stanza(presenceOf: sibling, to: session.jid)) }
        for contact in contacts {
            let isLocal = kernel.serves(domainOf: contact)
            if isLocal, contact.local != nil, case .notLoaded = kernel.accounts.find(contact.bare) {
                // Who is not in memory has no session; that is known without reading the account.
                session.send(Stanza(.presence, type: .unavailable, from: contact.bare, to: session.jid))
                continue
            }
            // §4.3.1 wants the bare JID; among ourselves the full one spares the siblings the answers.
            let prober = isLocal ? session.jid : session.account.jid
            kernel.send(Stanza(.presence, type: .probe, from: prober, to: contact.bare), on: loop)
        }
    }

    /// §4.3.2: somebody wants to know whether the account is available.
    private func answerProbe(_ stanza: Stanza, _ scope: HookScope) {
        guard let prober = stanza.from, let probed = stanza.to else { return }
        let account = scope.account
        let (subscription, asked, isDirected) = account.withState { state in
            let asked = state.sessions.filter { probed.isBare || $0.handle.jid == probed }
            return (
                state.roster[prober.bare]?.subscription ?? Subscription(), asked,
                probed.isFull && asked.contains { DirectedPresence.isKnown($0.handle, to: prober, in: state) }
            )
        }
        let available = asked.filter(\.isAvailable)
        if subscription.from || prober.hasSameBare(as: account.jid) {
            for session in available {
                var presence = Stanza(presenceOf: session, to: prober)
                // "SHOULD communicate only the fact that the resource is available"
                if probed.isFull { presence.content = nil }
                kernel.send(presence, on: scope.loop)
            }
            if available.isEmpty { answer(stanza, .unavailable, from: probed, to: prober, scope) }
        } else if isDirected {
            // §4.6.6: "only mere presence of type "available" or "unavailable"": it was told so, and nothing else since.
            answer(stanza, .available, from: probed, to: prober, scope)
        } else if !subscription.pendingIn {
            // While a request waits for its answer, silence: `unsubscribed` would deny it.
            refuse(stanza, of: account, scope)
        }
    }

    private func refuse(_ probe: Stanza, of account: Account, _ scope: HookScope) {
        guard let prober = probe.from?.bare else { return }
        if let session = scope.session, !session.account.isSubscribed(to: account.jid) {
            return kernel.router.refuseProbe(probe, on: scope.loop, session: session)
        }
        // Where no change is half done; else a refusal could undo a subscription that is just being made.
        kernel.changeRosters(from: scope.loop) { loop in
            let subscription = account.withState { $0.roster[prober]?.subscription ?? Subscription() }
            guard !subscription.from, !subscription.pendingIn else { return }
            kernel.router.refuseProbe(probe, on: loop, session: nil)
        }
    }

    private func answer(_ probe: Stanza, _ type: StanzaType, from: JID, to prober: JID, _ scope: HookScope) {
        kernel.send(Stanza(.presence, type: type, from: from, to: prober, id: probe.identifier), on: scope.loop)
    }
}

extension Stanza {
    /// What a resource has broadcast last, as it is told to somebody later; with its id (RFC 6121 §4.3.2.1).
    init(presenceOf session: BoundSession, to receiver: JID) {
        self.init(.presence, type: .available, from: session.handle.jid, to: receiver, id: session.presence?.id)
        content = session.presence?.content
        language = session.presence?.language
    }
}
