internal import Storage
internal import XMPP

/// The items of nodes, in the order in which they were published.
extension NodeStore {
    private static let columns = "id, publisher, published, payload"

    private func item(_ row: borrowing Row) throws -> NodeItem {
        NodeItem(
            id: try row.text(0), publisher: try JID(try row.text(1)),
            published: DateTime(milliseconds: Int64(try row.integer(2))), payload: try row.text(3))
    }

    /// When the items that have not expired were published at the earliest.
    private func earliest(_ node: Node) -> SQLValue {
        .integer(Int(node.configuration.expiry(at: now)?.milliseconds ?? Int64.min))
    }

    func item(_ id: String, of node: Node) throws -> NodeItem? {
        try transaction.first(
            "SELECT \(Self.columns) FROM pubsub_items WHERE node = $1 AND id = $2 AND published >= $3",
            [.integer(node.id), .text(id), earliest(node)], item)
    }

    func lastItem(of node: Node) throws -> NodeItem? {
        try transaction.first(
            """
            SELECT \(Self.columns) FROM pubsub_items WHERE node = $1 AND published >= $2
            ORDER BY position DESC LIMIT 1
            """, [.integer(node.id), earliest(node)], item)
    }

    func itemCount(of node: Node) throws -> Int {
        try transaction.first(
            "SELECT count(*) FROM pubsub_items WHERE node = $1 AND published >= $2", [.integer(node.id), earliest(node)]
        ) { try $0.integer(0) } ?? 0
    }

    /// Puts an item behind all others; one with the same id is dropped (XEP-0060 §12.1).
    func put(_ item: NodeItem, at node: Node) throws {
        changes.nodes.insert(node.name)
        try account(for: item.payload.utf8.count - size(of: item.id, node), at: node)
        let last = try transaction.first(
            "SELECT max(position) FROM pubsub_items WHERE node = $1", [.integer(node.id)]
        ) { try $0.integerOrNil(0) }
        try transaction.execute(
            """
            INSERT INTO pubsub_items (node, id, position, publisher, published, payload) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (node, id) DO UPDATE SET position = excluded.position, publisher = excluded.publisher,
                published = excluded.published, payload = excluded.payload
            """,
            [
                .integer(node.id), .text(item.id), .integer(((last ?? nil) ?? 0) + 1), .text(item.publisher.description),
                .integer(Int(item.published.milliseconds)), .text(item.payload),
            ])
    }

    /// How many bytes of an item count; 0 if there is none.
    private func size(of id: String, _ node: Node) throws -> Int {
        try transaction.first(
            "SELECT payload FROM pubsub_items WHERE node = $1 AND id = $2", [.integer(node.id), .text(id)]
        ) { try $0.text(0).utf8.count } ?? 0
    }

    private func account(for bytes: Int, at node: Node) throws {
        try transaction.execute(
            "UPDATE pubsub_nodes SET bytes = bytes + $1 WHERE id = $2", [.integer(bytes), .integer(node.id)])
    }

    func removeItem(_ id: String, of node: Node) throws {
        changes.nodes.insert(node.name)
        try account(for: -size(of: id, node), at: node)
        try transaction.execute(
            "DELETE FROM pubsub_items WHERE node = $1 AND id = $2", [.integer(node.id), .text(id)])
    }

    func removeItems(of node: Node) throws {
        changes.nodes.insert(node.name)
        try transaction.execute("DELETE FROM pubsub_items WHERE node = $1", [.integer(node.id)])
        try transaction.execute("UPDATE pubsub_nodes SET bytes = 0 WHERE id = $1", [.integer(node.id)])
    }

    func removeExpiredItems(of node: Node) throws {
        guard node.configuration.expiry(at: now) != nil else { return }
        let expired = try transaction.rows(
            "SELECT id FROM pubsub_items WHERE node = $1 AND published < $2", [.integer(node.id), earliest(node)]
        ) { try $0.text(0) }
        for id in expired { try removeItem(id, of: node) }
    }

    /// Removes the oldest items beyond a number.
    /// - Returns: their ids.
    func trimItems(of node: Node, to limit: Int) throws -> [String] {
        let surplus = try transaction.rows(
            "SELECT id FROM pubsub_items WHERE node = $1 ORDER BY position DESC LIMIT $2 OFFSET $3",
            [.integer(node.id), .integer(Int(Int32.max)), .integer(limit)]
        ) { try $0.text(0) }
        for id in surplus { try removeItem(id, of: node) }
        return surplus.reversed()
    }

    // MARK: Pages

    /// A part of a node's items, the newest first.
    struct Page {
        var items: [NodeItem] = []
        /// How many items are newer than the first one.
        var index = 0
        var count = 0
    }

    /// - Parameters:
    ///   - bytes: when payloads are larger together, the page ends; but it has one item at least.
    func page(_ set: ResultSet, of node: Node, bytes: Int) throws -> Page {
        var page = Page()
        page.count = try itemCount(of: node)
        let most = min(set.max ?? Int.max, page.count)
        guard most > 0 else { return page }
        let isReversed: Bool
        switch set.start {
        case .first:
            isReversed = false
            page.items = try items(of: node, "ORDER BY position DESC LIMIT $3", [.integer(most)], bytes: bytes)
        case .index(let index):
            isReversed = false
            page.items = try items(
                of: node, "ORDER BY position DESC LIMIT $3 OFFSET $4", [.integer(most), .integer(index)], bytes: bytes)
        case .after(let id):
            isReversed = false
            page.items = try items(
                of: node, "AND position < $3 ORDER BY position DESC LIMIT $4",
                [.integer(try position(of: id, node)), .integer(most)], bytes: bytes)
        case .before(let id):
            isReversed = true
            page.items = try items(
                of: node, "AND position > $3 ORDER BY position LIMIT $4",
                [.integer(try position(of: id, node)), .integer(most)], bytes: bytes)
        case .last:
            isReversed = true
            page.items = try items(of: node, "ORDER BY position LIMIT $3", [.integer(most)], bytes: bytes)
        }
        if isReversed { page.items.reverse() }
        if let first = page.items.first { page.index = try newer(than: first.id, node) }
        return page
    }

    private func items(of node: Node, _ rest: String, _ arguments: [SQLValue], bytes: Int) throws -> [NodeItem] {
        var size = 0
        var found: [NodeItem] = []
        // Read in portions, so that what goes beyond the size is not read into memory.
        for item in try transaction.rows(
            "SELECT id, length(payload) FROM pubsub_items WHERE node = $1 AND published >= $2 \(rest)",
            [.integer(node.id), earliest(node)] + arguments, { (id: try $0.text(0), size: try $0.integer(1)) })
        {
            size += item.size + 100
            if size > bytes, !found.isEmpty { break }
            if let item = try self.item(item.id, of: node) { found.append(item) }
        }
        return found
    }

    private func position(of id: String, _ node: Node) throws -> Int {
        let position = try transaction.first(
            "SELECT position FROM pubsub_items WHERE node = $1 AND id = $2", [.integer(node.id), .text(id)]
        ) { try $0.integer(0) }
        // XEP-0059 §2.5
        guard let position else { throw StanzaError(.itemNotFound) }
        return position
    }

    private func newer(than id: String, _ node: Node) throws -> Int {
        try transaction.first(
            "SELECT count(*) FROM pubsub_items WHERE node = $1 AND position > $2 AND published >= $3",
            [.integer(node.id), .integer(try position(of: id, node)), earliest(node)]
        ) { try $0.integer(0) } ?? 0
    }

    /// Ids of items, the newest first.
    func itemIDs(of node: Node, limit: Int) throws -> [String] {
        try transaction.rows(
            """
            SELECT id FROM pubsub_items WHERE node = $1 AND published >= $2 ORDER BY position DESC LIMIT $3
            """, [.integer(node.id), earliest(node), .integer(limit)]
        ) { try $0.text(0) }
    }
}
