internal import Server
internal import XMPP

/// XEP-0060 §6.5: retrieving items.
enum Retrieval {
    static let kinds = [PubSubRequest.Kind(.get, "items", items)]

    /// How large an answer may become, in bytes; what is left out can be asked for by its pages.
    private static let answerSize = 1_048_576

    private static func items(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try store.existingNode(try request.node())
        let standing = try store.standing(of: request.from, at: node)
        try node.admitToItems(standing)
        if let id = request.action["subid"], !standing.subscriptions.isEmpty {
            guard standing.subscriptions.contains(where: { $0.id == id }) else { throw StanzaError.invalidSubID }
        }
        guard node.configuration.persistItems else { throw StanzaError.unsupported("persistent-items") }
        let wanted = request.action.children.filter { $0.isNamed("item", in: .pubSub) }
        if !wanted.isEmpty { return try particular(wanted.map { $0["id"] }, of: node, store) }
        let set = try request.pubsub.child("set", in: .resultSets).map { (set) throws(StanzaError) in try ResultSet(set) }
        return try page(set, most: try most(request.action["max_items"]), of: node, store)
    }

    private static func most(_ text: String?) throws(StanzaError) -> Int? {
        guard let text else { return nil }
        guard let number = Int(text), number > 0 else { throw StanzaError(.badRequest, "max_items is a positive number") }
        return number
    }

    /// §6.5.8
    private static func particular(_ ids: [String?], of node: Node, _ store: NodeStore) throws -> PubSubOutcome {
        var found: [NodeItem] = []
        var size = 0
        for id in ids {
            guard let id else { throw StanzaError.itemRequired }
            guard !found.contains(where: { $0.id == id }), let item = try store.item(id, of: node) else { continue }
            size += item.payload.utf8.count
            if size > answerSize, !found.isEmpty { break }
            found.append(item)
        }
        return PubSubOutcome { write(found, of: node, into: &$0) }
    }

    /// §6.5.2–6.5.4, §6.5.7
    private static func page(_ wanted: ResultSet?, most: Int?, of node: Node, _ store: NodeStore) throws -> PubSubOutcome {
        var set = wanted ?? ResultSet()
        if let most { set.max = min(most, set.max ?? most) }
        let page = try store.page(set, of: node, bytes: answerSize)
        let isCut = most == nil && page.items.count < page.count
        return PubSubOutcome { writer in
            write(page.items, of: node, into: &writer)
            guard wanted != nil || isCut else { return }
            ResultSet.write(
                first: page.items.first?.id, last: page.items.last?.id, index: page.index, count: page.count,
                into: &writer)
        }
    }

    private static func write(_ items: [NodeItem], of node: Node, into writer: inout XMLWriter) {
        writer.element("items", ["node": node.name]) { writer in
            for item in items { item.write(into: &writer, of: node) }
        }
    }
}
