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
    private let requestLimit: Int
    /// A longer request is kept without its content, so that strangers cannot fill the memory.
    private static let requestSize = 4_096

    package init(kernel: Kernel) {
        self.kernel = kernel
        limit = kernel.configuration[Rosters.itemLimit]
        requestLimit = kernel.configuration[Rosters.requestLimit]
    }

    package var registrations: [[Registration]] {
        [
            Registration.presence(.fromClient, .deliver) { stanza, scope throws(StanzaError) in
                guard Self.manages(stanza.type), let session = scope.session else { return .next }
                try sent(stanza, session)
                return .handled
            },
            Registration.presence(.toAccount, .deliver) { stanza, scope throws(StanzaError) in
                guard Self.manages(stanza.type) else { return .next }
                guard let address = stanza.to, let sender = stanza.from?.bare, sender != scope.account.jid else {
                    return .handled
                }
                // §8.5.3.2.2: a request is for the account; the rest is ignored for a resource that is gone.
                if address.isFull, stanza.type != .subscribe,
                    !scope.account.sessions.contains(where: { $0.handle.jid == address })
                {
                    return .handled
                }
                kernel.changeRosters(from: scope.loop) { [stanza, account = scope.account] loop in
                    received(stanza, from: sender, by: account, on: loop)
                }
                return .handled
            },
            Registration.becameAvailable { session in
                // §3.1.3: a request is delivered again with each log-in until it is answered.
                for request in session.account.withState({ $0.roster.requests }) {
                    session.send(ByteBuffer(bytes: request))
                }
            },
        ]
    }

    private static func manages(_ type: StanzaType) -> Bool {
        switch type {
        case .subscribe, .subscribed, .unsubscribe, .unsubscribed: true
        case .normal, .chat, .groupchat, .headline, .available, .unavailable, .probe, .get, .set, .result, .error: false
        }
    }

    // MARK: From our clients

    private func sent(_ stanza: Stanza, _ session: Session) throws(StanzaError) {
        guard let contact = stanza.to?.bare, contact != session.account.jid else {
            throw StanzaError(.badRequest, "a subscription needs a contact")
        }
        let account = session.account
        let resume = session.pause()
        let change: @Sendable (LoopContext) -> Void = { loop in
            do throws(StanzaError) {
                try sent(stanza, to: contact, by: account, on: loop)
            } catch {
                kernel.router.bounce(stanza, error, on: loop)
            }
            // What the session sends next comes after this.
            loop.flush()
            resume()
        }
        kernel.changeRosters(with: contact, from: session.loop) { loop, isKnown in
            if !isKnown {
                kernel.router.bounce(stanza, StanzaError(.internalServerError, kind: .wait), on: loop)
                resume()
            } else if stanza.type == .unsubscribe || stanza.type == .unsubscribed {
                kernel.endSubscription(between: account.jid, and: contact, on: loop, change)
            } else {
                change(loop)
            }
        }
    }

    /// A.2. On the roster loop.
    private func sent(
        _ original: Stanza, to contact: JID, by account: Account, on loop: LoopContext
    ) throws(StanzaError) {
        var stanza = original
        // §3, §3.1.2: both addresses are bare.
        stanza.from = account.jid
        stanza.to = contact
        // Before the change is seen elsewhere, and something sent for it from there.
        loop.flush()
        let change = try account.withState { state throws(StanzaError) in
            var item = state.roster[contact] ?? RosterItem(jid: contact)
            let wasListed = item.isListed
            let hadPresence = item.subscription.from
            let outgoing = item.subscription.sent(original.type)
            guard wasListed || !item.isListed || state.roster.count < limit else {
                throw StanzaError(.resourceConstraint, "the roster is full", kind: .cancel)
            }
            if !item.subscription.pendingIn { item.request = nil }
            let isVisible = keep(item, in: &state, of: account)
            return (
                outgoing: outgoing, isVisible: isVisible, hadPresence: hadPresence,
                available: state[Presences.told].available)
        }
        // Before the stanza, whose answer may change the item again.
        if change.isVisible { RosterPush.send(contact, of: account, on: loop) }
        guard change.outgoing == .route else { return }
        // §3.2.2: "While the user is still subscribed to the contact's presence"
        if original.type == .unsubscribed, change.hadPresence {
            sendUnavailable(change.available, to: contact, on: loop)
        }
        if case .needs = try kernel.router.route(stanza, on: loop) { kernel.send(stanza, on: loop) }
        // §3.1.5
        if original.type == .subscribed { kernel.sendPresence(of: account, to: contact, on: loop) }
    }

    // MARK: To our accounts

    /// A.3. On the roster loop.
    private func received(_ original: Stanza, from contact: JID, by account: Account, on loop: LoopContext) {
        var stanza = original
        stanza.from = contact
        stanza.to = account.jid
        // Before the change is seen elsewhere, and something sent for it from there.
        loop.flush()
        let type = stanza.type
        let request = type == .subscribe ? Self.request(stanza) : nil
        let change = account.withState { state -> Received? in
            var item = state.roster[contact] ?? RosterItem(jid: contact)
            let hadPresence = item.subscription.from
            let incoming = item.subscription.received(type)
            if type == .subscribe, incoming == .deliver {
                // "Server implementers are advised to […] set limits on the number or size of inbound presence
                // subscription requests" (§3.1.3)
                guard item.isListed || state.roster.requests.count < requestLimit else { return nil }
                item.request = request
            }
            if !item.subscription.pendingIn { item.request = nil }
            let isVisible = keep(item, in: &state, of: account)
            return Received(
                incoming: incoming, isVisible: isVisible, hadPresence: hadPresence, sessions: state.sessions,
                available: state[Presences.told].available)
        }
        guard let change else { return }
        // Nothing removes it from memory while the change is being written.
        if change.sessions.isEmpty { kernel.accounts.load(account.jid) { _ in } }
        if change.incoming == .deliver {
            let receivers = change.sessions.filter { type == .subscribe ? $0.isAvailable : $0.isInterested }
            if !receivers.isEmpty { loop.send(stanza, to: receivers.map(\.handle)) }
        }
        if change.isVisible { RosterPush.send(contact, of: account, on: loop) }
        switch (change.incoming, type) {
        case (.approve, _):
            // §3.1.3, §3.4.2: granted before, so granted without asking.
            kernel.send(Stanza(.presence, type: .subscribed, from: account.jid, to: contact), on: loop)
            kernel.sendPresence(of: account, to: contact, on: loop)
        case (.deliver, .unsubscribe):
            // §3.3.3: who has given up a subscription is told that there is nothing more to see; A.3.2
            if change.hadPresence { sendUnavailable(change.available, to: contact, on: loop) }
            kernel.send(Stanza(.presence, type: .unsubscribed, from: account.jid, to: contact), on: loop)
        case (.deliver, _), (.drop, _):
            break
        }
    }

    private struct Received {
        let incoming: Subscription.Incoming
        let isVisible: Bool
        let hadPresence: Bool
        let sessions: [BoundSession]
        let available: [SessionHandle]
    }

    /// The request as it is kept until it is answered.
    private static func request(_ stanza: Stanza) -> [UInt8] {
        let bytes = stanza.serialized
        if bytes.readableBytes <= requestSize { return [UInt8](bytes.readableBytesView) }
        return [UInt8](Stanza(.presence, type: .subscribe, from: stanza.from, to: stanza.to).serialized.readableBytesView)
    }

    // MARK: State

    /// Puts a changed item into memory and hands it to the disk; under the account's lock, so that both agree in order.
    /// - Returns: whether the user is to be told.
    private func keep(_ item: RosterItem, in state: inout AccountState, of account: Account) -> Bool {
        let before = state.roster[item.jid]
        let isVisible = state.roster.update(item, at: kernel.rosterTime)
        guard state.roster[item.jid] != before else { return false }
        let logger = kernel.logger
        kernel.database.write(RosterStore.save(state.roster, of: account.jid, contact: item.jid)) { result in
            guard case .failure(let error) = result else { return }
            logger.error(
                "A subscription cannot be written and will be forgotten at the next start.",
                metadata: [LogKeys.jid: "\(account.jid)", LogKeys.reason: "\(error)"])
        }
        return isVisible
    }

    // MARK: Presence

    private func sendUnavailable(_ resources: [SessionHandle], to contact: JID, on loop: LoopContext) {
        for resource in resources {
            kernel.send(Stanza(.presence, type: .unavailable, from: resource.jid, to: contact), on: loop)
        }
    }
}
