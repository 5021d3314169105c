internal import Storage
internal import XMPP

/// A persistent room that was destroyed (XEP-0045 §10.9). For a while nobody but the administrator makes a room of its
/// address: clients that come back to where they were would do so unasked, and their users be alone there.
struct FormerRoom: Sendable, Equatable {
    static let migrations = [
        Migration(
            name: "former-rooms-1",
            sql: [
                """
                CREATE TABLE former_rooms (
                    address TEXT NOT NULL PRIMARY KEY, expiry BIGINT NOT NULL, reason TEXT, venue TEXT)
                """,
                "CREATE INDEX former_rooms_expiry ON former_rooms (expiry)",
            ])
    ]

    /// From when on it is forgotten.
    let expiry: DateTime
    let reason: String?
    /// Where it goes on.
    let venue: String?

    /// - Returns: nil for rooms that leave nothing behind.
    init?(_ room: Room, _ destruction: RoomDestruction, at now: DateTime) {
        let time = room.limits.goneTime.components.seconds
        guard room.configuration.persistence.isPersistent, time > 0 else { return nil }
        expiry = DateTime(milliseconds: now.milliseconds + time * 1_000)
        reason = destruction.reason
        venue = destruction.venue.flatMap { try? JID($0) }?.description
    }

    private init(expiry: DateTime, reason: String?, venue: String?) {
        self.expiry = expiry
        self.reason = reason
        self.venue = venue
    }

    /// What those are told who look for it (RFC 6120 §8.3.3.5, RFC 5122 §2.5).
    var refusal: StanzaError { StanzaError(.gone, reason, address: venue.map { "xmpp:\(Self.escaped($0))?join" }) }

    /// An address as part of an IRI.
    private static func escaped(_ address: String) -> String {
        address.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~", "@", "/", "!", "$", "(", ")", "*", "+", ",", ";", "=", ":":
                text.unicodeScalars.append(scalar)
            case _ where !scalar.isASCII: text.unicodeScalars.append(scalar)
            default: text += "%" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16, uppercase: true)
            }
        }
    }

    // MARK: Storage

    static func load(_ room: JID, _ transaction: Transaction) throws -> FormerRoom? {
        try transaction.first(
            "SELECT expiry, reason, venue FROM former_rooms WHERE address = $1", [.text(room.description)]
        ) { row in
            FormerRoom(
                expiry: DateTime(milliseconds: Int64(try row.integer(0))), reason: try row.textOrNil(1),
                venue: try row.textOrNil(2))
        }
    }

    func save(_ room: JID, _ transaction: Transaction) throws {
        try transaction.execute(
            """
            INSERT INTO former_rooms (address, expiry, reason, venue) VALUES ($1, $2, $3, $4)
            ON CONFLICT (address) DO UPDATE SET expiry = excluded.expiry, reason = excluded.reason, venue = excluded.venue
            """,
            [.text(room.description), .integer(Int(expiry.milliseconds)), SQLValue(reason), SQLValue(venue)])
    }

    /// There is a room of that address again.
    static func forget(_ room: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM former_rooms WHERE address = $1", [.text(room.description)])
    }

    /// Forgets those whose time is over, and the oldest if there are too many: rooms can be made and destroyed for ever.
    static func forgetOld(at now: DateTime, limit: Int = 100_000, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM former_rooms WHERE expiry <= $1", [.integer(Int(now.milliseconds))])
        let oldest = try transaction.first(
            "SELECT expiry FROM former_rooms ORDER BY expiry DESC LIMIT 1 OFFSET $1", [.integer(limit)]
        ) { try $0.integer(0) }
        guard let oldest else { return }
        try transaction.execute("DELETE FROM former_rooms WHERE expiry <= $1", [.integer(oldest)])
    }
}
