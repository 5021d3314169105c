internal import Server
internal import XMPP

/// XEP-0060 §8.8: the subscribers of a node, for its owners.
enum SubscriptionList {
    static let kinds = [
        PubSubRequest.Kind(.get, "subscriptions", in: .pubSubOwner, show),
        PubSubRequest.Kind(.set, "subscriptions", in: .pubSubOwner, change),
    ]

    private static func show(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try Configuring.ownNode(request, store)
        let found = try store.subscriptions(to: node).filter { $0.state == .subscribed }
        return PubSubOutcome(.pubSubOwner) { writer in
            writer.element("subscriptions", ["node": node.name]) { writer in
                for subscription in found {
                    writer.element(
                        "subscription",
                        ["jid": subscription.jid.description, "subid": subscription.id, "subscription": "subscribed"])
                }
            }
        }
    }

    /// Only what is there can be changed: nobody is subscribed who has not asked for it.
    private static func change(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try Configuring.ownNode(request, store)
        var announcements: [Announcement] = []
        for element in request.action.children where element.isNamed("subscription", in: .pubSubOwner) {
            guard let text = element["jid"] else { throw StanzaError.jidRequired }
            guard let jid = try? JID(text) else { throw StanzaError(.jidMalformed) }
            guard let wanted = element["subscription"] else { continue }
            guard let state = NodeSubscription.State(rawValue: wanted) else { throw StanzaError(.notAcceptable) }
            guard var subscription = try store.subscriptions(to: node, of: jid).first(where: { $0.jid == jid }) else {
                if state == .none { continue }
                throw StanzaError(.notAcceptable, "\(jid) has not asked to be subscribed")
            }
            if let id = element["subid"], id != subscription.id { throw StanzaError.invalidSubID }
            guard subscription.state != state else { continue }
            subscription.state = state
            announcements += try set(subscription, node, store)
        }
        return PubSubOutcome(announcements)
    }

    /// Gives a subscription its new state, and tells the subscriber (§8.8.4).
    static func set(_ subscription: NodeSubscription, _ node: Node, _ store: NodeStore) throws -> [Announcement] {
        if subscription.state == .none {
            try store.remove(subscription, from: node)
        } else {
            try store.save(subscription, to: node)
        }
        let news = try store.announce(.subscription(subscription), at: node)
        guard subscription.state == .subscribed else { return [news] }
        return [news] + (try Subscribing.welcome(subscription, node, store))
    }
}
