internal import Logging
internal import NIOCore
package import Server
internal import Storage
internal import XMPP

/// RFC 6121 §3: asking for, granting and ending presence subscriptions.
package struct Subscriptions: Feature {
    package static let xeps: [Int] = []

    private unowned let kernel: Kernel
    private let limit: Int

    package init(kernel: Kernel) {
        self.kernel = kernel
        limit = kernel.configuration[Rosters.itemLimit]
    }

    package var registrations: [[Registration]] {
        [
            Registration.presence(.fromClient, .deliver) { stanza, scope throws(StanzaError) in
                guard Self.manages(stanza.type) else { return .next }
                try sent(&stanza, scope)
                return .handled
            },
            Registration.presence(.toAccount, .deliver) { stanza, scope throws(StanzaError) in
                guard Self.manages(stanza.type) else { return .next }
                received(stanza, scope)
                return .handled
            },
            Registration.becameAvailable { session in deliverRequests(to: session) },
        ]
    }

    private static func manages(_ type: StanzaType) -> Bool {
        switch type {
        case .subscribe, .subscribed, .unsubscribe, .unsubscribed: true
        case .normal, .chat, .groupchat, .headline, .available, .unavailable, .probe, .get, .set, .result, .error: false
        }
    }

    // MARK: From our clients

    private func sent(_ stanza: inout Stanza, _ scope: HookScope) throws(StanzaError) {
        let account = scope.account
        guard let contact = stanza.to?.bare, contact != account.jid else {
            throw StanzaError(.badRequest, "a subscription needs a contact")
        }
        // §3.1.2: both addresses are bare.
        stanza.from = account.jid
        stanza.to = contact
        let type = stanza.type
        let (outgoing, isChanged) = try account.withState { state throws(StanzaError) in
            var item = state.roster[contact] ?? RosterItem(jid: contact)
            guard item.isShown || state.roster.count < limit else {
                throw StanzaError(.resourceConstraint, "the roster is full", kind: .cancel)
            }
            let outgoing = item.subscription.sent(type)
            if !item.subscription.pendingIn { item.request = nil }
            return (outgoing, keep(item, in: &state, of: account))
        }
        if outgoing == .route {
            kernel.send(stanza, on: scope.loop)
            switch type {
            // §3.1.5: who is now subscribed learns the presence.
            case .subscribed: sendPresence(of: account, to: contact, on: scope.loop)
            // §3.2.2: who is not any more learns that it is over.
            case .unsubscribed: sendPresence(of: account, to: contact, available: false, on: scope.loop)
            default: break
            }
        }
        if isChanged { RosterPush.send(contact, of: account, on: scope.loop) }
    }

    // MARK: To our accounts

    private func received(_ stanza: Stanza, _ scope: HookScope) {
        let account = scope.account
        guard let contact = stanza.from?.bare, contact != account.jid else { return }
        var stanza = stanza
        stanza.from = contact
        stanza.to = account.jid
        let type = stanza.type
        let serialized = type == .subscribe ? [UInt8](stanza.serialized.readableBytesView) : nil
        let (incoming, isChanged, hadPresence) = account.withState { state in
            var item = state.roster[contact] ?? RosterItem(jid: contact)
            let hadPresence = item.subscription.from
            let incoming = item.subscription.received(type)
            if incoming == .deliver, let serialized { item.request = serialized }
            if !item.subscription.pendingIn { item.request = nil }
            return (incoming, keep(item, in: &state, of: account), hadPresence)
        }
        switch incoming {
        case .drop: break
        case .approve:
            // §3.1.3, §3.4.2: granted before, so granted without asking.
            kernel.send(Stanza(.presence, type: .subscribed, from: account.jid, to: contact), on: scope.loop)
            if !hadPresence { sendPresence(of: account, to: contact, on: scope.loop) }
        case .deliver:
            let receivers = account.withState { state in
                state.sessions.filter { type == .subscribe ? $0.isAvailable : $0.isInterested }.map(\.handle)
            }
            if !receivers.isEmpty { scope.loop.send(stanza, to: receivers) }
            // §3.3.3: who has given up a subscription is told that there is nothing more to see.
            if type == .unsubscribe, hadPresence {
                sendPresence(of: account, to: contact, available: false, on: scope.loop)
            }
        }
        if isChanged { RosterPush.send(contact, of: account, on: scope.loop) }
    }

    // MARK: Requests that wait for an answer

    /// §3.1.3: a request is delivered again with each log-in until it is answered.
    private func deliverRequests(to session: Session) {
        let requests = session.account.withState { state in state.roster.entries.values.compactMap(\.request) }
        for request in requests { session.send(ByteBuffer(bytes: request)) }
    }

    // MARK: State

    /// Puts a changed item into memory and hands it to the disk; under the account's lock, so that both agree in order.
    /// - Returns: whether the user is to be told.
    private func keep(_ item: RosterItem, in state: inout AccountState, of account: Account) -> Bool {
        guard state.roster[item.jid] != item, state.roster[item.jid] != nil || !item.isEmpty else { return false }
        let isChanged = state.roster.update(item) != nil
        let logger = kernel.logger
        kernel.database.write(RosterStore.save(state.roster, of: account.jid, contact: item.jid)) { result in
            guard case .failure(let error) = result else { return }
            logger.error(
                "A subscription cannot be written and will be forgotten at the next start.",
                metadata: [LogKeys.jid: "\(account.jid)", LogKeys.reason: "\(error)"])
        }
        return isChanged
    }

    private func sendPresence(of account: Account, to contact: JID, available: Bool = true, on loop: LoopContext) {
        for session in account.sessions {
            guard let presence = session.presence else { continue }
            var stanza = Stanza(.presence, type: available ? .available : .unavailable, from: session.handle.jid, to: contact)
            if available {
                stanza.content = presence.content
                stanza.language = presence.language
            }
            kernel.send(stanza, on: loop)
        }
    }
}
