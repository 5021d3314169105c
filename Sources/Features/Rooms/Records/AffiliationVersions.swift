internal import Storage
internal import TLS
internal import XMPP

/// What versions the affiliations of a room have had last, and what each has changed (XEP-0463).
struct AffiliationVersions: RoomRecord {
    /// Somebody's affiliation became another one.
    struct Change: Sendable, Equatable {
        /// Of the version that it has led to.
        let number: Int
        let person: JID
        let before: RoomAffiliation
        let after: RoomAffiliation
    }

    /// Which version there is.
    private(set) var number = 0
    /// The last ones, each a version.
    private(set) var changes: [Change] = []

    /// Who knows an older version is told everything.
    static let most = 500

    init() {}

    /// - Returns: the number of the version that there is now.
    mutating func add(_ person: JID, from before: RoomAffiliation, to after: RoomAffiliation) -> Int {
        number += 1
        changes.append(Change(number: number, person: person, before: before, after: after))
        if changes.count > Self.most { changes.removeFirst(changes.count - Self.most) }
        return number
    }

    /// What has changed since a version, in order; nil if not all of it is known.
    func changes(since version: Int) -> ArraySlice<Change>? {
        guard version <= number else { return nil }
        let missing = number - version
        guard missing <= changes.count else { return nil }
        return changes.suffix(missing)
    }

    /// The versions that are known: there is nothing older to start from.
    var known: ClosedRange<Int> { number - changes.count...number }

    /// Nobody is told of somebody whose account is no more: who knows a version until now is told everything.
    mutating func restart() {
        number += 1
        changes = []
    }

    // MARK: Storage

    static let migrations = [
        Migration(
            name: "room-versions-1",
            sql: [
                "CREATE TABLE room_versions (room TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL)",
                """
                CREATE TABLE room_affiliation_changes (
                    room TEXT NOT NULL, number BIGINT NOT NULL, person TEXT NOT NULL, affiliation_before TEXT NOT NULL,
                    affiliation_after TEXT NOT NULL, PRIMARY KEY (room, number))
                """,
            ])
    ]

    static func load(_ room: JID, _ transaction: Transaction) throws -> AffiliationVersions {
        var versions = AffiliationVersions()
        let name = SQLValue.text(room.description)
        versions.number =
            try transaction.first("SELECT number FROM room_versions WHERE room = $1", [name]) { try $0.integer(0) } ?? 0
        versions.changes = try transaction.rows(
            """
            SELECT number, person, affiliation_before, affiliation_after FROM room_affiliation_changes WHERE room = $1
            ORDER BY number
            """, [name]
        ) { row in
            Change(
                number: try row.integer(0), person: try JID(try row.text(1)),
                before: RoomAffiliation(rawValue: try row.text(2)) ?? .none,
                after: RoomAffiliation(rawValue: try row.text(3)) ?? .none)
        }
        return versions
    }

    func save(_ room: JID, before: AffiliationVersions, _ transaction: Transaction) throws {
        guard self != before else { return }
        let name = SQLValue.text(room.description)
        try transaction.execute(
            """
            INSERT INTO room_versions (room, number) VALUES ($1, $2)
            ON CONFLICT (room) DO UPDATE SET number = excluded.number
            """, [name, .integer(number)])
        try transaction.execute(
            "DELETE FROM room_affiliation_changes WHERE room = $1 AND (number <= $2 OR number > $3)",
            [name, .integer(known.lowerBound), .integer(before.number)])
        for change in changes where change.number > before.number {
            try transaction.execute(
                """
                INSERT INTO room_affiliation_changes (room, number, person, affiliation_before, affiliation_after)
                VALUES ($1, $2, $3, $4, $5)
                """,
                [
                    name, .integer(change.number), .text(change.person.description), .text(change.before.rawValue),
                    .text(change.after.rawValue),
                ])
        }
    }

    static func delete(_ room: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM room_versions WHERE room = $1", [.text(room.description)])
        try transaction.execute("DELETE FROM room_affiliation_changes WHERE room = $1", [.text(room.description)])
    }

    static func remove(_ person: JID, _ transaction: Transaction) throws {
        let rooms = try transaction.rows(
            "SELECT room FROM room_affiliations WHERE person = $1", [.text(person.description)]) { try $0.text(0) }
        for room in rooms {
            try transaction.execute(
                """
                INSERT INTO room_versions (room, number) VALUES ($1, 1)
                ON CONFLICT (room) DO UPDATE SET number = room_versions.number + 1
                """, [.text(room)])
            try transaction.execute("DELETE FROM room_affiliation_changes WHERE room = $1", [.text(room)])
        }
    }
}

/// From which version to which a change leads, as it is told.
struct VersionStep: Sendable, Equatable {
    /// Nil where all is told, or only which version there is.
    var since: String?
    var until: String

    func write(into writer: inout XMLWriter) {
        writer.element("mav", in: .affiliationVersions, ["since": since, "until": until])
    }
}

extension Namespace {
    /// XEP-0463
    static let affiliationVersions: Namespace = "urn:xmpp:muc:affiliations:1"
}
