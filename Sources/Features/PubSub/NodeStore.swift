internal import Server
internal import Storage
internal import XMPP

/// Where the nodes of one service are kept: a row for each node, item, affiliation and subscription, inside one transaction.
struct NodeStore {
    static let migrations = [
        Migration(
            name: "pubsub-1",
            sql: [
                """
                CREATE TABLE pubsub_nodes (
                    id BIGINT NOT NULL PRIMARY KEY, service TEXT NOT NULL, name TEXT NOT NULL, creator TEXT NOT NULL,
                    created BIGINT NOT NULL, configuration TEXT NOT NULL, UNIQUE (service, name))
                """,
                "CREATE INDEX pubsub_nodes_creator ON pubsub_nodes (creator)",
                """
                CREATE TABLE pubsub_items (
                    node BIGINT NOT NULL, id TEXT NOT NULL, position BIGINT NOT NULL, publisher TEXT NOT NULL,
                    published BIGINT NOT NULL, payload TEXT NOT NULL, PRIMARY KEY (node, id))
                """,
                "CREATE UNIQUE INDEX pubsub_items_position ON pubsub_items (node, position)",
                """
                CREATE TABLE pubsub_affiliations (
                    node BIGINT NOT NULL, entity TEXT NOT NULL, affiliation TEXT NOT NULL, PRIMARY KEY (node, entity))
                """,
                "CREATE INDEX pubsub_affiliations_entity ON pubsub_affiliations (entity)",
                """
                CREATE TABLE pubsub_subscriptions (
                    node BIGINT NOT NULL, jid TEXT NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL,
                    options TEXT NOT NULL, temporary BIGINT NOT NULL, PRIMARY KEY (node, jid))
                """,
                "CREATE INDEX pubsub_subscriptions_entity ON pubsub_subscriptions (entity)",
                "CREATE INDEX pubsub_subscriptions_temporary ON pubsub_subscriptions (temporary) WHERE temporary = 1",
            ]),
        Migration(
            name: "pubsub-2",
            sql: [
                "ALTER TABLE pubsub_nodes ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0",
                """
                UPDATE pubsub_nodes SET bytes = (
                    SELECT coalesce(sum(length(payload)), 0) FROM pubsub_items WHERE node = pubsub_nodes.id)
                """,
            ]),
    ]

    let transaction: Transaction
    let host: PubSubHost
    let now: DateTime
    let changes = NodeChanges()

    /// - Parameter now: by the server's clock.
    init(_ transaction: Transaction, _ host: PubSubHost, now: DateTime) {
        self.transaction = transaction
        self.host = host
        self.now = now
    }

    private var service: SQLValue { .text(host.address.description) }

    // MARK: Nodes

    func node(_ name: String) throws -> Node? {
        try transaction.first(
            "SELECT id, name, creator, created, configuration FROM pubsub_nodes WHERE service = $1 AND name = $2",
            [service, .text(name)], node)
    }

    /// The node that a request names.
    func existingNode(_ name: String) throws -> Node {
        guard let node = try node(name) else { throw StanzaError(.itemNotFound) }
        return node
    }

    /// In the order of their names.
    func nodes(limit: Int = 10_000) throws -> [Node] {
        try transaction.rows(
            """
            SELECT id, name, creator, created, configuration FROM pubsub_nodes WHERE service = $1
            ORDER BY name LIMIT $2
            """, [service, .integer(limit)], node)
    }

    private func node(_ row: borrowing Row) throws -> Node {
        Node(
            id: try row.integer(0), service: host.address, name: try row.text(1), creator: try JID(try row.text(2)),
            created: DateTime(milliseconds: Int64(try row.integer(3))),
            configuration: NodeConfiguration(stored: try row.text(4), defaults: host.defaults, limits: host.limits))
    }

    func add(_ name: String, by creator: JID, _ configuration: NodeConfiguration) throws -> Node {
        let node = Node(
            id: Int.random(in: 1...Int.max), service: host.address, name: name, creator: creator.bare, created: now,
            configuration: configuration)
        try transaction.execute(
            """
            INSERT INTO pubsub_nodes (id, service, name, creator, created, configuration) VALUES ($1, $2, $3, $4, $5, $6)
            """,
            [
                .integer(node.id), service, .text(name), .text(node.creator.description),
                .integer(Int(now.milliseconds)), .text(configuration.stored(defaults: host.defaults)),
            ])
        return node
    }

    func save(_ node: Node) throws {
        try transaction.execute(
            "UPDATE pubsub_nodes SET configuration = $1 WHERE id = $2",
            [.text(node.configuration.stored(defaults: host.defaults)), .integer(node.id)])
    }

    func delete(_ node: Node) throws {
        changes.nodes.insert(node.name)
        try Self.deleteNode(node.id, transaction)
    }

    private static func deleteNode(_ id: Int, _ transaction: Transaction) throws {
        for table in ["pubsub_items", "pubsub_affiliations", "pubsub_subscriptions"] {
            try transaction.execute("DELETE FROM \(table) WHERE node = $1", [.integer(id)])
        }
        try transaction.execute("DELETE FROM pubsub_nodes WHERE id = $1", [.integer(id)])
    }

    /// How many nodes count towards somebody's limit: those of the account, or those created at a hosted service.
    func nodeCount(of creator: JID) throws -> Int {
        try transaction.first(
            "SELECT count(*) FROM pubsub_nodes WHERE creator = $1 AND service = $2",
            [.text(creator.bare.description), service]
        ) { try $0.integer(0) } ?? 0
    }

    /// How many bytes of payloads are kept for somebody, by the same rule.
    func byteCount(of creator: JID) throws -> Int {
        try transaction.first(
            "SELECT coalesce(sum(bytes), 0) FROM pubsub_nodes WHERE creator = $1 AND service = $2",
            [.text(creator.bare.description), service]
        ) { try $0.integer(0) } ?? 0
    }

    // MARK: Standing

    /// What an entity is to a node.
    func standing(of entity: JID, at node: Node) throws -> Standing {
        let entity = entity.bare
        return Standing(
            entity: entity, affiliation: try affiliation(of: entity, at: node),
            subscriptions: try subscriptions(to: node, of: entity), acquaintance: host.acquaintance(with: entity))
    }

    func affiliation(of entity: JID, at node: Node) throws -> Affiliation {
        if host.isOwner(entity) { return .owner }
        return try transaction.first(
            "SELECT affiliation FROM pubsub_affiliations WHERE node = $1 AND entity = $2",
            [.integer(node.id), .text(entity.bare.description)]
        ) { Affiliation(rawValue: try $0.text(0)) ?? Affiliation.none } ?? .none
    }

    /// All affiliations but none.
    func affiliations(with node: Node) throws -> [JID: Affiliation] {
        let rows = try transaction.rows(
            "SELECT entity, affiliation FROM pubsub_affiliations WHERE node = $1", [.integer(node.id)]
        ) { (try JID(try $0.text(0)), Affiliation(rawValue: try $0.text(1)) ?? .none) }
        var result = Dictionary(rows, uniquingKeysWith: { first, _ in first })
        if host.isPersonal { result[host.address] = .owner }
        return result
    }

    /// The nodes that an entity is affiliated with.
    func affiliations(of entity: JID, node: String?) throws -> [(node: String, affiliation: Affiliation)] {
        if host.isOwner(entity) {
            return try nodes().filter { node == nil || $0.name == node }.map { ($0.name, .owner) }
        }
        return try transaction.rows(
            """
            SELECT n.name, a.affiliation FROM pubsub_affiliations a JOIN pubsub_nodes n ON n.id = a.node
            WHERE a.entity = $1 AND n.service = $2 ORDER BY n.name
            """, [.text(entity.bare.description), service]
        ) { (try $0.text(0), Affiliation(rawValue: try $0.text(1)) ?? .none) }.filter { node == nil || $0.0 == node }
    }

    func setAffiliation(of entity: JID, at node: Node, to affiliation: Affiliation) throws {
        guard affiliation != .none else {
            try transaction.execute(
                "DELETE FROM pubsub_affiliations WHERE node = $1 AND entity = $2",
                [.integer(node.id), .text(entity.description)])
            return
        }
        try transaction.execute(
            """
            INSERT INTO pubsub_affiliations (node, entity, affiliation) VALUES ($1, $2, $3)
            ON CONFLICT (node, entity) DO UPDATE SET affiliation = excluded.affiliation
            """, [.integer(node.id), .text(entity.description), .text(affiliation.rawValue)])
    }

    // MARK: Removal of accounts

    /// What an account has at its own and at hosted services goes with it.
    static func remove(_ account: JID, _ transaction: Transaction) throws {
        let name = SQLValue.text(account.description)
        let own = try transaction.rows("SELECT id FROM pubsub_nodes WHERE service = $1", [name]) { try $0.integer(0) }
        for node in own { try deleteNode(node, transaction) }
        try transaction.execute("DELETE FROM pubsub_subscriptions WHERE entity = $1", [name])
        let owned = try transaction.rows(
            "SELECT node FROM pubsub_affiliations WHERE entity = $1 AND affiliation = $2", [name, "owner"]
        ) { try $0.integer(0) }
        try transaction.execute("DELETE FROM pubsub_affiliations WHERE entity = $1", [name])
        for node in owned {
            let others = try transaction.first(
                "SELECT count(*) FROM pubsub_affiliations WHERE node = $1 AND affiliation = $2", [.integer(node), "owner"]
            ) { try $0.integer(0) }
            // A node that nobody can manage any more.
            if others == 0 { try deleteNode(node, transaction) }
        }
    }
}
