internal import Server
internal import XMPP

/// XEP-0060 §7.2: deleting an item.
enum Retraction {
    static let kinds = [PubSubRequest.Kind(.set, "retract", retract)]

    private static func retract(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let name = try request.node()
        let items = request.action.children.filter { $0.isNamed("item", in: .pubSub) }
        let ids = items.compactMap { $0["id"] }
        guard !ids.isEmpty, ids.count == items.count, !ids.contains("") else { throw StanzaError.itemRequired }
        let node = try store.existingNode(name)
        let standing = try store.standing(of: request.from, at: node)
        guard node.configuration.persistItems else { throw StanzaError.unsupported("persistent-items") }
        let notifies = NodeConfiguration.boolean(request.action["notify"]) ?? false
        return PubSubOutcome(try retract(ids, from: node, standing, notifies: notifies, store))
    }

    /// Deletes items, all or none.
    /// - Parameter notifies: whether subscribers are told even if the node is not configured so.
    static func retract(
        _ ids: [String], from node: Node, _ standing: Standing, notifies: Bool, _ store: NodeStore
    ) throws -> [Announcement] {
        for id in ids {
            guard let item = try store.item(id, of: node) else {
                // Who may not see the items is not told which there are not.
                guard node.mayRemove(itemOf: node.service, standing) || node.mayBeNotified(standing) else {
                    throw StanzaError(.forbidden)
                }
                throw StanzaError(.itemNotFound)
            }
            guard node.mayRemove(itemOf: item.publisher, standing) else { throw StanzaError(.forbidden) }
            try store.removeItem(id, of: node)
        }
        guard notifies || node.configuration.notifiesRetraction, node.configuration.deliversNotifications else { return [] }
        return [try store.announce(.retracted(ids), at: node)]
    }
}
