internal import NIOCore

/// The tables of one month's file, and the statements that write to them. Belongs to the file's writer.
///
/// Payloads stand once, in the order of time; an entry is one owner's view of one. Addresses are numbers, and places
/// count from the beginning of the month, so that both take few bytes.
///
/// `@unchecked Sendable`: used in the bodies of writes only, which follow each other on one queue.
final class ArchiveTables: @unchecked Sendable {
    static let migrations = [
        Migration(
            name: "archive-month-1",
            sql: [
                "CREATE TABLE addresses (number INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE)",
                "CREATE TABLE payloads (place INTEGER PRIMARY KEY, tag INTEGER NOT NULL, payload BLOB NOT NULL)",
                // `lag`: by how much the place is behind that of the payload. `sent`: 1 if the owner has sent it.
                """
                CREATE TABLE entries (
                    owner INTEGER NOT NULL, place INTEGER NOT NULL, lag INTEGER NOT NULL, peer INTEGER NOT NULL,
                    resource INTEGER, sent INTEGER NOT NULL, PRIMARY KEY (owner, place)) WITHOUT ROWID
                """,
                "CREATE INDEX entries_by_peer ON entries (owner, peer, place)",
            ])
    ]

    /// An entry on its way to the disk.
    struct NewEntry: Sendable {
        let entry: ArchiveEntry
        let place: ArchivePlace
        /// Where the payload was put first: here, or before.
        let payloadPlace: ArchivePlace
    }

    private static let rememberedAddresses = 50_000

    private let month: ArchiveMonth
    private let codec: PayloadCodec
    private var numbers: [String: Int] = [:]
    /// Whether an earlier write has failed, so that payloads which were handed over may be missing.
    private var mayLackPayloads = false

    init(month: ArchiveMonth, codec: PayloadCodec) {
        self.month = month
        self.codec = codec
    }

    /// What has been written last was not kept.
    func undo() {
        numbers = [:]
        mayLackPayloads = true
    }

    func insert(_ entries: [NewEntry], _ transaction: Transaction) throws {
        let base = month.start.number
        for new in entries {
            let place = new.place.number - base
            var lag = new.place.number - new.payloadPlace.number
            if lag != 0 {
                let isElsewhere = !month.contains(new.payloadPlace)
                if try isElsewhere || (mayLackPayloads && !hasPayload(place - lag, transaction)) { lag = 0 }
            }
            if lag == 0 {
                try transaction.execute(
                    "INSERT INTO payloads (place, tag, payload) VALUES ($1, $2, $3)",
                    [
                        .integer(Int(place)), .integer(Int(new.entry.message.tag)),
                        .bytes(codec.encode(new.entry.message.payload)),
                    ])
            }
            try transaction.execute(
                "INSERT INTO entries (owner, place, lag, peer, resource, sent) VALUES ($1, $2, $3, $4, $5, $6)",
                [
                    .integer(number(of: new.entry.owner, transaction)), .integer(Int(place)), .integer(Int(lag)),
                    .integer(number(of: new.entry.peer, transaction)),
                    new.entry.resource.map { .integer(try number(of: $0, transaction)) } ?? .null,
                    SQLValue(new.entry.isSent),
                ])
        }
    }

    private func hasPayload(_ place: Int64, _ transaction: Transaction) throws -> Bool {
        try transaction.first("SELECT 1 FROM payloads WHERE place = $1", [.integer(Int(place))]) { _ in true } ?? false
    }

    private func number(of address: String, _ transaction: Transaction) throws -> Int {
        if let number = numbers[address] { return number }
        if numbers.count >= Self.rememberedAddresses { numbers = [:] }
        let number =
            try Self.number(of: address, transaction)
            ?? transaction.first(
                "INSERT INTO addresses (address) VALUES ($1) RETURNING number", [.text(address)]) { try $0.integer(0) }
        guard let number else { throw StorageError.statement("an address was given no number") }
        numbers[address] = number
        return number
    }

    static func number(of address: String, _ transaction: Transaction) throws -> Int? {
        try transaction.first("SELECT number FROM addresses WHERE address = $1", [.text(address)]) { try $0.integer(0) }
    }

    // MARK: Removing

    /// How many entries one write removes: others want to write, too.
    private static let removedAtOnce = 500
    /// How much later than the sender's the receiver's entry may have been made: the account had to be read first.
    private static let greatestLag = Int64(120_000) << ArchivePlace.counterBits

    /// Removes the first entries of an owner that lie before a place, and the payloads that nobody else refers to.
    /// - Returns: whether there may be more.
    func remove(of owner: String, before place: ArchivePlace, _ transaction: Transaction) throws -> Bool {
        guard let number = try Self.number(of: owner, transaction) else { return false }
        let limit = min(place.number, month.end.number) - month.start.number
        let entries = try transaction.rows(
            "SELECT place, lag, peer FROM entries WHERE owner = $1 AND place < $2 ORDER BY place LIMIT $3",
            [.integer(number), .integer(Int(limit)), .integer(Self.removedAtOnce)]
        ) { (place: try $0.integer(0), lag: try $0.integer(1), peer: try $0.integer(2)) }
        for entry in entries {
            try transaction.execute(
                "DELETE FROM entries WHERE owner = $1 AND place = $2", [.integer(number), .integer(entry.place)])
            let payload = entry.place - entry.lag
            // Nobody but the other one of the two can refer to the payload.
            let isShared = try transaction.first(
                "SELECT 1 FROM entries WHERE owner = $1 AND place BETWEEN $2 AND $3 AND place - lag = $4",
                [
                    .integer(entry.peer), .integer(payload), .integer(payload + Int(Self.greatestLag)), .integer(payload),
                ]) { _ in true }
            if isShared == nil {
                try transaction.execute("DELETE FROM payloads WHERE place = $1", [.integer(payload)])
            }
        }
        return entries.count == Self.removedAtOnce
    }

    /// Everybody with entries whose address ends so.
    func owners(in domain: String, _ transaction: Transaction) throws -> [String] {
        try transaction.rows(
            """
            SELECT address FROM addresses WHERE address LIKE $1 ESCAPE '\\' AND EXISTS (
                SELECT 1 FROM entries WHERE owner = number)
            """, [.text("%@" + domain.replacing("_", with: "\\_"))]
        ) { try $0.text(0) }
    }

    // MARK: Replacing

    private static let conversationLimit = 10_000

    /// The last message of a conversation with a tag whose payload fits: the place and the new payload.
    func replacement(
        _ owner: String, _ peer: String, isSent: Bool, tag: Int32, before: ArchivePlace, _ transaction: Transaction,
        _ change: (ByteBuffer) -> ByteBuffer?
    ) throws -> (place: Int, payload: [UInt8])? {
        guard let owner = try Self.number(of: owner, transaction), let peer = try Self.number(of: peer, transaction)
        else { return nil }
        let limit = min(before.number, month.end.number) - month.start.number
        let found = try transaction.rows(
            """
            SELECT p.place, p.payload FROM (
                SELECT place, lag, sent FROM entries INDEXED BY entries_by_peer
                WHERE owner = $1 AND peer = $2 AND place < $3
                ORDER BY place DESC LIMIT \(Self.conversationLimit)) e
            CROSS JOIN payloads p ON p.place = e.place - e.lag WHERE p.tag = $4 AND e.sent = $5
            ORDER BY e.place DESC LIMIT 20
            """, [.integer(owner), .integer(peer), .integer(Int(limit)), .integer(Int(tag)), SQLValue(isSent)]
        ) { (place: try $0.integer(0), payload: try $0.bytes(1)) }
        for (place, bytes) in found {
            var payload = ByteBuffer()
            try bytes.withUnsafeBytes { try codec.decode($0, into: &payload) }
            if let changed = change(payload) { return (place, codec.encode(changed)) }
        }
        return nil
    }

    /// What somebody has at a place: where the payload is, and the payload.
    func payload(
        at place: ArchivePlace, of owner: String, _ transaction: Transaction
    ) throws -> (place: Int, payload: ByteBuffer)? {
        guard let owner = try Self.number(of: owner, transaction) else { return nil }
        let found = try transaction.first(
            """
            SELECT p.place, p.payload FROM entries e CROSS JOIN payloads p ON p.place = e.place - e.lag
            WHERE e.owner = $1 AND e.place = $2
            """, [.integer(owner), .integer(Int(place.number - month.start.number))]
        ) { (place: try $0.integer(0), payload: try $0.bytes(1)) }
        guard let found else { return nil }
        var payload = ByteBuffer()
        try found.payload.withUnsafeBytes { try codec.decode($0, into: &payload) }
        return (found.place, payload)
    }

    func encoded(_ payload: ByteBuffer) -> [UInt8] { codec.encode(payload) }

    func replace(_ place: Int, with payload: [UInt8], _ transaction: Transaction) throws {
        try transaction.execute("UPDATE payloads SET payload = $1 WHERE place = $2", [.bytes(payload), .integer(place)])
    }
}
