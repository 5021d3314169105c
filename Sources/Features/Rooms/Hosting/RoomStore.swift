internal import NIOCore
internal import Storage
internal import XMPP

/// Where persistent rooms are kept: a row for each room and for each person with an affiliation.
enum RoomStore {
    static let migrations = [
        Migration(
            name: "rooms-1",
            sql: [
                """
                CREATE TABLE rooms (
                    address TEXT NOT NULL PRIMARY KEY, service TEXT NOT NULL, name TEXT NOT NULL,
                    is_public BIGINT NOT NULL, configuration TEXT NOT NULL, secret BYTEA NOT NULL,
                    created BIGINT NOT NULL, subject BYTEA NOT NULL, subject_author TEXT, subject_time BIGINT)
                """,
                "CREATE INDEX rooms_public ON rooms (service, address) WHERE is_public = 1",
                """
                CREATE TABLE room_affiliations (
                    room TEXT NOT NULL, person TEXT NOT NULL, affiliation TEXT NOT NULL, nickname TEXT, reason TEXT,
                    PRIMARY KEY (room, person))
                """,
                "CREATE INDEX room_affiliations_person ON room_affiliations (person)",
                "CREATE TABLE room_removals (person TEXT NOT NULL PRIMARY KEY)",
            ])
    ] + SavedRooms.migrations + RoomOrders.migrations + FormerRoom.migrations

    // MARK: Reading

    static func load(_ address: JID, limits: Room.Limits, _ transaction: Transaction) throws -> Room? {
        let found = try transaction.first(
            """
            SELECT configuration, secret, subject, subject_author, subject_time, created FROM rooms WHERE address = $1
            """,
            [.text(address.description)]
        ) { row in
            (
                configuration: RoomConfiguration(stored: try row.text(0)), secret: try row.bytes(1),
                subject: RoomSubject(
                    content: ByteBuffer(bytes: try row.bytes(2)), author: try row.textOrNil(3).flatMap { try? JID($0) },
                    time: try row.integerOrNil(4).map { DateTime(milliseconds: Int64($0)) }),
                created: DateTime(milliseconds: Int64(try row.integer(5)))
            )
        }
        guard let found else { return nil }
        var room = Room(
            stored: address, created: found.created, configuration: found.configuration,
            affiliates: try affiliates(of: address, transaction), subject: found.subject, secret: found.secret, limits: limits)
        room.records = try RoomRecords(address, transaction)
        return room
    }

    static func contains(_ room: JID, _ transaction: Transaction) throws -> Bool {
        try transaction.first("SELECT 1 FROM rooms WHERE address = $1", [.text(room.description)]) { try $0.integer(0) } != nil
    }

    private static func affiliates(of room: JID, _ transaction: Transaction) throws -> [JID: Affiliate] {
        let rows = try transaction.rows(
            "SELECT person, affiliation, nickname, reason FROM room_affiliations WHERE room = $1",
            [.text(room.description)]
        ) { row in
            (
                try JID(try row.text(0)),
                Affiliate(
                    affiliation: RoomAffiliation(rawValue: try row.text(1)) ?? .none,
                    nickname: try row.textOrNil(2).flatMap { try? Nickname($0) }, reason: try row.textOrNil(3))
            )
        }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// Public rooms in the order of their addresses.
    /// - Parameters:
    ///   - after, before: between these, without them; the page lies at the end if only `before` is given.
    static func list(
        _ service: JID, after: String?, before: String?, limit: Int, _ transaction: Transaction
    ) throws -> [(address: String, name: String)] {
        let isBackwards = after == nil && before != nil
        let rows = try transaction.rows(
            """
            SELECT address, name FROM rooms WHERE service = $1 AND is_public = 1 AND address > $2
            AND ($3 = '' OR address < $4) ORDER BY address \(isBackwards ? "DESC" : "ASC") LIMIT $5
            """,
            [.text(service.description), .text(after ?? ""), .text(before ?? ""), .text(before ?? ""), .integer(limit)]
        ) { (address: try $0.text(0), name: try $0.text(1)) }
        return isBackwards ? rows.reversed() : rows
    }

    /// How many public rooms there are up to an address, or at all.
    static func count(_ service: JID, before: String?, _ transaction: Transaction) throws -> Int {
        try transaction.first(
            "SELECT count(*) FROM rooms WHERE service = $1 AND is_public = 1 AND ($2 = '' OR address < $3)",
            [.text(service.description), .text(before ?? ""), .text(before ?? "")]
        ) { try $0.integer(0) } ?? 0
    }

    /// Public rooms that are looked for, in no order.
    static func search(
        _ service: JID, _ transaction: Transaction, _ isFound: (RoomListing) -> Bool
    ) throws -> [RoomListing] {
        var found: [RoomListing] = []
        try transaction.forEachRow(
            "SELECT address, configuration FROM rooms WHERE service = $1 AND is_public = 1", [.text(service.description)]
        ) { row in
            let configuration = RoomConfiguration(stored: try row.text(1))
            if let listing = RoomListing(try row.text(0), configuration), isFound(listing) { found.append(listing) }
            return false
        }
        return found
    }

    // MARK: Writing

    /// - Parameter now: when a room was destroyed.
    static func save(
        _ room: Room, before: Room, _ changes: RoomChanges, at now: DateTime, _ transaction: Transaction
    ) throws {
        let address = SQLValue.text(room.address.description)
        if let destruction = changes.destruction {
            try FormerRoom(before, destruction, at: now)?.save(room.address, transaction)
        }
        guard room.configuration.persistence.isPersistent, changes.destruction == nil else {
            try transaction.execute("DELETE FROM room_affiliations WHERE room = $1", [address])
            try transaction.execute("DELETE FROM rooms WHERE address = $1", [address])
            try RoomRecords.delete(room.address, transaction)
            return
        }
        let isNew = !before.configuration.persistence.isPersistent
        if isNew {
            try checkOwners(of: room, transaction)
            try FormerRoom.forget(room.address, transaction)
        }
        if isNew || changes.isRoomChanged { try saveRoom(room, transaction) }
        if isNew || changes.areRecordsChanged {
            try room.records.save(room.address, before: isNew ? RoomRecords() : before.records, transaction)
        }
        for person in isNew ? Set(room.affiliates.keys) : changes.affiliates {
            try save(room.affiliates[person], person, room, transaction)
        }
    }

    /// - Throws: `resource-constraint` if one of the owners has too many rooms.
    private static func checkOwners(of room: Room, _ transaction: Transaction) throws {
        for (person, affiliate) in room.affiliates where affiliate.affiliation == .owner {
            let count = try transaction.first(
                "SELECT count(*) FROM room_affiliations WHERE person = $1 AND affiliation = 'owner'",
                [.text(person.description)]
            ) { try $0.integer(0) } ?? 0
            guard count < room.limits.roomsOfOwner else {
                throw StanzaError(.resourceConstraint, "an owner of the room has too many persistent rooms")
            }
        }
    }

    private static func saveRoom(_ room: Room, _ transaction: Transaction) throws {
        let configuration = room.configuration
        try transaction.execute(
            """
            INSERT INTO rooms (
                address, service, name, is_public, configuration, secret, created, subject, subject_author,
                subject_time)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (address) DO UPDATE SET name = excluded.name, is_public = excluded.is_public,
                configuration = excluded.configuration, subject = excluded.subject,
                subject_author = excluded.subject_author, subject_time = excluded.subject_time
            """,
            [
                .text(room.address.description), .text(room.address.domain), .text(configuration.description.name),
                .integer(configuration.visibility.isPublic ? 1 : 0), .text(configuration.stored), .bytes(room.secret),
                .integer(Int(room.created.milliseconds)), .bytes(Array(buffer: room.subject.content)),
                room.subject.author.map { .text($0.description) } ?? .null,
                room.subject.time.map { .integer(Int($0.milliseconds)) } ?? .null,
            ])
    }

    private static func save(
        _ affiliate: Affiliate?, _ person: JID, _ room: Room, _ transaction: Transaction
    ) throws {
        let key: [SQLValue] = [.text(room.address.description), .text(person.description)]
        guard let affiliate else {
            try transaction.execute("DELETE FROM room_affiliations WHERE room = $1 AND person = $2", key)
            return
        }
        try transaction.execute(
            """
            INSERT INTO room_affiliations (room, person, affiliation, nickname, reason) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (room, person) DO UPDATE SET affiliation = excluded.affiliation, nickname = excluded.nickname,
                reason = excluded.reason
            """,
            key + [
                .text(affiliate.affiliation.rawValue), affiliate.nickname.map { .text($0.text) } ?? .null,
                affiliate.reason.map { .text($0) } ?? .null,
            ])
    }

    // MARK: Accounts that are removed

    static func remove(_ account: JID, _ transaction: Transaction) throws {
        try RoomRecords.remove(account, transaction)
        let person = SQLValue.text(account.description)
        try transaction.execute("DELETE FROM room_affiliations WHERE person = $1", [person])
        try transaction.execute(
            "INSERT INTO room_removals (person) VALUES ($1) ON CONFLICT (person) DO NOTHING", [person])
    }

    /// Those whom rooms in memory have to forget yet.
    static func removed(_ transaction: Transaction) throws -> [JID] {
        try transaction.rows("SELECT person FROM room_removals") { try? JID(try $0.text(0)) }.compactMap { $0 }
    }

    /// The same, who are forgotten now.
    static func takeRemoved(_ transaction: Transaction) throws -> [JID] {
        let people = try removed(transaction)
        if !people.isEmpty { try transaction.execute("DELETE FROM room_removals") }
        return people
    }
}
