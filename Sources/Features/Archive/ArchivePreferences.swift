internal import NIOCore
internal import Server
internal import Storage
internal import XMPP

/// Whose messages an account archives (XEP-0441).
struct ArchivePreferences: Sendable, Equatable {
    enum Default: String, CaseIterable, Sendable {
        case always, never, roster
    }

    var `default`: Default
    private(set) var always: [JID] = []
    private(set) var never: [JID] = []
    /// Whether those on a list are archived. Who is on both is not: §2.3.1 does not say, and the other order would
    /// archive what was not to be.
    private var exceptions: [JID: Bool] = [:]

    /// Whether a message is archived.
    /// - Parameters:
    ///   - peer: who it is from or to.
    ///   - isContact: whether the peer is in the roster.
    func archives(_ peer: JID, isContact: () -> Bool) -> Bool {
        if !exceptions.isEmpty, let exception = exceptions[peer] ?? exceptions[peer.bare] { return exception }
        return switch `default` {
        case .always: true
        case .never: false
        case .roster: isContact()
        }
    }

    /// Reads `<prefs/>` (§2.1).
    /// - Parameter limit: how many addresses a list may have.
    init(_ element: Element, limit: Int) throws(StanzaError) {
        guard let text = element["default"], let value = Default(rawValue: text) else {
            throw StanzaError(.badRequest, "the default is always, never or roster")
        }
        `default` = value
        try add(Self.list(element.child("always"), limit), isArchived: true)
        try add(Self.list(element.child("never"), limit), isArchived: false)
    }

    init(default: Default) { self.default = `default` }

    private mutating func add(_ addresses: [JID], isArchived: Bool) {
        if isArchived { always += addresses } else { never += addresses }
        for address in addresses { exceptions[address] = isArchived && exceptions[address] != false }
    }

    private static func list(_ element: Element?, _ limit: Int) throws(StanzaError) -> [JID] {
        var result: [JID] = []
        guard let element else { return result }
        for child in element.children where child.isNamed("jid", in: .archive) {
            do throws(JIDError) {
                let jid = try JID(child.text)
                if !result.contains(jid) { result.append(jid) }
            } catch {
                throw StanzaError(.jidMalformed, error.description)
            }
            guard result.count <= limit else {
                throw StanzaError(.resourceConstraint, "a list may have \(limit) addresses", kind: .modify)
            }
        }
        return result
    }

    func write(into writer: inout XMLWriter) {
        func list(_ name: StaticString, _ addresses: [JID], _ writer: inout XMLWriter) {
            writer.element(name) { writer in
                for address in addresses { writer.element("jid", text: address.description) }
            }
        }
        writer.element("prefs", in: .archive, ["default": `default`.rawValue]) { writer in
            list("always", always, &writer)
            list("never", never, &writer)
        }
    }

    // MARK: Storage

    static let migration = Migration(
        name: "archive-1",
        sql: [
            "CREATE TABLE archive_preferences (account TEXT NOT NULL PRIMARY KEY, standard TEXT NOT NULL)",
            """
            CREATE TABLE archive_exceptions (
                account TEXT NOT NULL, address TEXT NOT NULL, is_archived BIGINT NOT NULL, position BIGINT NOT NULL,
                PRIMARY KEY (account, is_archived, position))
            """,
            // Whose archives are to be removed, up to which place.
            "CREATE TABLE archive_removals (account TEXT NOT NULL PRIMARY KEY, place BIGINT NOT NULL)",
            "CREATE TABLE archive_secret (name TEXT NOT NULL PRIMARY KEY, secret BYTEA NOT NULL)",
        ])

    /// Nil if the account has set none.
    static func load(_ account: String, _ transaction: Transaction) throws -> ArchivePreferences? {
        let standard = try transaction.first(
            "SELECT standard FROM archive_preferences WHERE account = $1", [.text(account)]) { try $0.text(0) }
        guard let value = standard.flatMap(Default.init) else { return nil }
        var preferences = ArchivePreferences(default: value)
        let exceptions = try transaction.rows(
            "SELECT address, is_archived FROM archive_exceptions WHERE account = $1 ORDER BY position", [.text(account)]
        ) { (jid: try? JID(try $0.text(0)), isArchived: try $0.flag(1)) }
        for case (let jid?, let isArchived) in exceptions {
            preferences.add([jid], isArchived: isArchived)
        }
        return preferences
    }

    func save(_ account: String, _ transaction: Transaction) throws {
        try Self.remove(account, transaction)
        try transaction.execute(
            "INSERT INTO archive_preferences (account, standard) VALUES ($1, $2)",
            [.text(account), .text(`default`.rawValue)])
        for (isArchived, list) in [(true, always), (false, never)] {
            for (position, jid) in list.enumerated() {
                try transaction.execute(
                    "INSERT INTO archive_exceptions (account, address, is_archived, position) VALUES ($1, $2, $3, $4)",
                    [.text(account), .text(jid.description), SQLValue(isArchived), .integer(position)])
            }
        }
    }

    static func remove(_ account: String, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM archive_preferences WHERE account = $1", [.text(account)])
        try transaction.execute("DELETE FROM archive_exceptions WHERE account = $1", [.text(account)])
    }
}
