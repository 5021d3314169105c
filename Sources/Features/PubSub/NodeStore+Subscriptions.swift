internal import Storage
internal import XMPP

extension NodeStore {
    private func subscription(_ row: borrowing Row) throws -> NodeSubscription {
        NodeSubscription(
            jid: try JID(try row.text(0)), id: try row.text(1), state: .init(rawValue: try row.text(2)) ?? .none,
            options: SubscriptionOptions(stored: try row.text(3)))
    }

    /// The subscriptions to a node; of one bare JID, if it is given.
    func subscriptions(to node: Node, of entity: JID? = nil) throws -> [NodeSubscription] {
        guard let entity else {
            return try transaction.rows(
                "SELECT jid, id, state, options FROM pubsub_subscriptions WHERE node = $1 ORDER BY jid",
                [.integer(node.id)], subscription)
        }
        return try transaction.rows(
            "SELECT jid, id, state, options FROM pubsub_subscriptions WHERE node = $1 AND entity = $2 ORDER BY jid",
            [.integer(node.id), .text(entity.bare.description)], subscription)
    }

    func subscriptionCount(of node: Node) throws -> Int {
        try transaction.first(
            "SELECT count(*) FROM pubsub_subscriptions WHERE node = $1", [.integer(node.id)]
        ) { try $0.integer(0) } ?? 0
    }

    /// The subscriptions of an entity at the service.
    func subscriptions(of entity: JID, node: String?) throws -> [(node: String, subscription: NodeSubscription)] {
        try transaction.rows(
            """
            SELECT s.jid, s.id, s.state, s.options, n.name FROM pubsub_subscriptions s
            JOIN pubsub_nodes n ON n.id = s.node WHERE s.entity = $1 AND n.service = $2 ORDER BY n.name, s.jid
            """, [.text(entity.bare.description), .text(host.address.description)]
        ) { (try $0.text(4), try subscription($0)) }.filter { node == nil || $0.0 == node }
    }

    func save(_ subscription: NodeSubscription, to node: Node) throws {
        let isTemporary = subscription.options.expiry == .presence || node.configuration.temporarySubscriptions
        try transaction.execute(
            """
            INSERT INTO pubsub_subscriptions (node, jid, entity, id, state, options, temporary)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (node, jid) DO UPDATE SET id = excluded.id, state = excluded.state, options = excluded.options,
                temporary = excluded.temporary
            """,
            [
                .integer(node.id), .text(subscription.jid.description), .text(subscription.jid.bare.description),
                .text(subscription.id), .text(subscription.state.rawValue), .text(subscription.options.stored),
                SQLValue(isTemporary),
            ])
    }

    func remove(_ subscription: NodeSubscription, from node: Node) throws {
        try transaction.execute(
            "DELETE FROM pubsub_subscriptions WHERE node = $1 AND jid = $2",
            [.integer(node.id), .text(subscription.jid.description)])
    }

    /// Removes the subscriptions to a node of those who may not have them any more (XEP-0163 §7.1).
    /// - Parameter entity: the only one in question; nil for all.
    func cancelSubscriptions(to node: Node, of entity: JID? = nil) throws -> [NodeSubscription] {
        var cancelled: [NodeSubscription] = []
        for subscription in try subscriptions(to: node, of: entity) {
            let standing = try standing(of: subscription.jid, at: node)
            do {
                try node.admit(standing)
            } catch {
                try remove(subscription, from: node)
                cancelled.append(subscription)
            }
        }
        return cancelled
    }

    // MARK: Temporary subscriptions

    /// Removes the subscriptions that end with the presence of an address: a resource, or an account with its last one.
    static func endTemporarySubscriptions(of jid: JID, _ transaction: Transaction) throws {
        try transaction.execute(
            "DELETE FROM pubsub_subscriptions WHERE temporary = 1 AND entity = $1 AND jid = $2",
            [.text(jid.bare.description), .text(jid.description)])
    }

    /// Removes all that ended when the server did.
    static func endTemporarySubscriptions(_ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM pubsub_subscriptions WHERE temporary = 1")
    }
}
