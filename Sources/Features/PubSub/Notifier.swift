internal import NIOCore
internal import Server
internal import XMPP

/// Sends notifications to those who may have them and want them (XEP-0060 §12.2, XEP-0163 §4.3).
struct Notifier {
    private unowned let kernel: Kernel

    init(kernel: Kernel) {
        self.kernel = kernel
    }

    /// Sends an announcement to everybody whom it concerns. On one loop for each service, so that the order of events
    /// is kept.
    func send(_ announcement: Announcement, of host: PubSubHost, on loop: LoopContext) {
        let content = announcement.content
        let type: StanzaType
        switch announcement.event {
        case .request: type = .normal
        default: type = announcement.node.configuration.notificationType == .normal ? .normal : .headline
        }
        for receiver in receivers(of: announcement, host) {
            send(content, type, from: host.address, to: receiver, on: loop)
        }
    }

    func send(_ content: ByteBuffer, _ type: StanzaType, from: JID, to receiver: JID, on loop: LoopContext) {
        var message = Stanza(.message, type: type, from: from, to: receiver, id: Creation.unguessableName())
        message.content = content
        kernel.send(message, on: loop)
    }

    // MARK: Receivers

    private func receivers(of announcement: Announcement, _ host: PubSubHost) -> [JID] {
        switch announcement.event {
        case .last(_, let receiver): [receiver]
        case .subscription(let subscription): [subscription.jid]
        case .request(_, let owners): owners
        case .deleted: subscribers(announcement, host) { _ in true }
        case .items, .retracted, .purged, .configured: subscribers(announcement, host, where: announcement.node.mayBeNotified)
        case .opened(_, let before):
            subscribers(announcement, host) { standing in
                var node = announcement.node
                guard node.mayBeNotified(standing) else { return false }
                node.configuration = before
                return !node.mayBeNotified(standing)
            }
        }
    }

    /// Everybody who is subscribed, by themselves or by sharing presence, and meets a condition.
    private func subscribers(
        _ announcement: Announcement, _ host: PubSubHost, where isMeant: (Standing) -> Bool
    ) -> [JID] {
        let node = announcement.node
        // Of the deletion of a node only those hear who could see it.
        func isReceiver(_ standing: Standing) -> Bool { node.mayBeNotified(standing) && isMeant(standing) }
        var receivers = host.account.map { interested(in: node, of: $0, announcement, isReceiver) } ?? []
        let told = Set(receivers)
        let toldEntities = Set(receivers.map(\.bare))
        let now = kernel.clock.date
        for subscription in announcement.subscriptions where subscription.options.delivers(at: now) {
            let jid = subscription.jid
            // XEP-0163 §4.3.2: one for each resource that is interested, or one for the bare JID.
            guard !told.contains(jid), !(jid.isBare && toldEntities.contains(jid)) else { continue }
            let entity = jid.bare
            let standing = announcement.standing(of: entity, host.acquaintance(with: entity))
            switch (subscription.state, announcement.event) {
            case (.subscribed, _): if isReceiver(standing) { receivers.append(jid) }
            // §8.4.2: "SHOULD include pending and unconfigured subscriptions"
            case (.pending, .deleted): receivers.append(jid)
            case (.pending, _), (.none, _): break
            }
        }
        return receivers
    }

    /// The resources that have told the account of their presence and of their interest in a node (XEP-0163 §4).
    private func interested(
        in node: Node, of account: Account, _ announcement: Announcement, _ isReceiver: (Standing) -> Bool
    ) -> [JID] {
        let (own, contacts, visitors) = account.withState { state -> ([JID], [(JID, Acquaintance)], [(JID, Acquaintance)]) in
            let contacts = state.roster.subscribers.map { ($0.bare, Acquaintance(with: $0, in: state)) }
            let visitors = state.visitors.filter { $0.value.interests.contains(node.name) }.keys.map {
                ($0, Acquaintance(with: $0, in: state))
            }
            return (resources(interestedIn: node.name, state), contacts, visitors)
        }
        var receivers = isReceiver(announcement.standing(of: account.jid, Acquaintance())) ? own : []
        for (contact, acquaintance) in contacts {
            guard kernel.serves(domainOf: contact), let account = kernel.accounts[contact] else { continue }
            let found = account.withState { resources(interestedIn: node.name, $0) }
            guard !found.isEmpty, isReceiver(announcement.standing(of: contact, acquaintance)) else { continue }
            receivers += found
        }
        let told = Set(receivers)
        for (visitor, acquaintance) in visitors where !told.contains(visitor) {
            if isReceiver(announcement.standing(of: visitor.bare, acquaintance)) { receivers.append(visitor) }
        }
        return receivers
    }

    private func resources(interestedIn node: String, _ state: borrowing AccountState) -> [JID] {
        let capabilities = state.capabilities
        return state.sessions.filter { session in
            session.isAvailable && capabilities[session.handle.id]?.interests.contains(node) == true
        }.map(\.handle.jid)
    }
}
