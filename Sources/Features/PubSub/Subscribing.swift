internal import Server
internal import XMPP

/// XEP-0060 §6.1, §6.2, §5.6: subscribing to a node, and giving that up.
///
/// An address has one subscription to a node at most; a further request is answered with the one there is (§6.1.6).
enum Subscribing {
    static let kinds = [
        PubSubRequest.Kind(.set, "subscribe", subscribe), PubSubRequest.Kind(.set, "unsubscribe", unsubscribe),
        PubSubRequest.Kind(.get, "subscriptions", list),
    ]

    private static func subscribe(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        guard let text = request.action["jid"] else { throw StanzaError.invalidJID }
        guard let jid = try? JID(text), jid.hasSameBare(as: request.from) else { throw StanzaError.invalidJID }
        let node = try store.existingNode(try request.node())
        let standing = try store.standing(of: jid, at: node)
        try node.admit(standing)
        guard node.configuration.allowsSubscriptions else { throw StanzaError.unsupported("subscribe") }
        let options = request.pubsub.child("options", in: .pubSub)
        if let options, options.hasAttribute("node") || options.hasAttribute("jid") {
            throw StanzaError(.badRequest, "the options are those of the subscription beside them")
        }
        let form = options.flatMap(PubSubRequest.form)
        var announcements: [Announcement] = []
        var subscription: NodeSubscription
        if let existing = standing.subscriptions.first(where: { $0.jid == jid }) {
            // §6.1.3.7
            guard existing.state == .subscribed else { throw StanzaError.pendingSubscription }
            subscription = existing
        } else {
            guard standing.subscriptions.count < store.host.limits.subscriptionsPerEntity,
                try store.subscriptionCount(of: node) < store.host.limits.entitiesPerNode
            else { throw StanzaError.tooManySubscriptions }
            subscription = NodeSubscription(
                jid: jid, id: Creation.unguessableName(), state: node.needsApproval(standing) ? .pending : .subscribed)
            announcements = try welcome(subscription, node, store)
        }
        if let form { try subscription.options.submit(form) }
        try store.save(subscription, to: node)
        return PubSubOutcome(.pubSub, announcements) { [subscription] writer in
            subscription.write(into: &writer, node: node.name) { $0.element("subscribe-options") }
            guard form != nil else { return }
            writer.element("options") { subscription.options.form(.result).write(into: &$0) }
        }
    }

    /// A new subscriber gets the last item (§6.1.7), or the owners are asked about them (§8.6).
    static func welcome(
        _ subscription: NodeSubscription, _ node: Node, _ store: NodeStore
    ) throws -> [Announcement] {
        guard subscription.state == .subscribed else {
            let owners = try store.affiliations(with: node).filter { $0.value == .owner }.map(\.key)
            return [try store.announce(.request(subscription, owners: owners), at: node)]
        }
        guard node.configuration.sendLast != .never, node.configuration.deliversNotifications,
            let last = try store.lastItem(of: node)
        else { return [] }
        return [try store.announce(.last(last, to: subscription.jid), at: node)]
    }

    private static func unsubscribe(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try store.existingNode(try request.node())
        var subscription = try subscription(of: request, to: node, store)
        try store.remove(subscription, from: node)
        subscription.state = .none
        return PubSubOutcome { [subscription] in subscription.write(into: &$0, node: node.name) }
    }

    /// The subscription that a request of the subscriber is about (§6.2.3, §6.3.4).
    static func subscription(
        of request: PubSubRequest, to node: Node, _ store: NodeStore
    ) throws -> NodeSubscription {
        guard let text = request.action["jid"] else { throw StanzaError.jidRequired }
        guard let jid = try? JID(text) else { throw StanzaError(.jidMalformed) }
        guard jid.hasSameBare(as: request.from) else { throw StanzaError(.forbidden) }
        guard let subscription = try store.subscriptions(to: node, of: jid).first(where: { $0.jid == jid }) else {
            throw StanzaError.notSubscribed
        }
        if let id = request.action["subid"], id != subscription.id { throw StanzaError.invalidSubID }
        return subscription
    }

    private static func list(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = request.action["node"]
        if let node { _ = try store.existingNode(node) }
        let found = try store.subscriptions(of: request.from, node: node)
        return PubSubOutcome { writer in
            writer.element("subscriptions", ["node": node]) { writer in
                for entry in found { entry.subscription.write(into: &writer, node: entry.node) }
            }
        }
    }
}
