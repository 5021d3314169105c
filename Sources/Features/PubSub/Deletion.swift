internal import Server
internal import XMPP

/// XEP-0060 §8.4, §8.5: deleting a node, or all its items.
enum Deletion {
    static let kinds = [
        PubSubRequest.Kind(.set, "delete", in: .pubSubOwner, delete),
        PubSubRequest.Kind(.set, "purge", in: .pubSubOwner, purge),
    ]

    private static func delete(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try Configuring.ownNode(request, store)
        let redirect = request.action.child("redirect", in: .pubSubOwner)?["uri"]
        let announcement = try store.announce(.deleted(redirect: redirect), at: node)
        try store.delete(node)
        return PubSubOutcome(node.configuration.notifiesDeletion ? [announcement] : [])
    }

    private static func purge(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try store.existingNode(try request.node())
        guard [.owner, .publisher].contains(try store.affiliation(of: request.from, at: node)) else {
            throw StanzaError(.forbidden)
        }
        guard node.configuration.persistItems else { throw StanzaError.unsupported("persistent-items") }
        try store.removeItems(of: node)
        guard node.configuration.notifiesRetraction, node.configuration.deliversNotifications else { return PubSubOutcome() }
        return PubSubOutcome([try store.announce(.purged, at: node)])
    }
}
