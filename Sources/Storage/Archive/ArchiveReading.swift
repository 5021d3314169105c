internal import NIOCore

/// What one reading of one month's file has to find out for a query.
struct ArchiveReading: Sendable {
    let query: ArchiveQuery
    let month: ArchiveMonth
    let codec: PayloadCodec
    /// How many messages are wanted, and how many bytes of them at most.
    var limit: Int
    var byteLimit: Int
    /// How many messages are to be passed over.
    var skipped: Int
    /// How many of those that fit are counted at most; nil if none.
    var countLimit: Int?
    let render: ArchiveRendering

    struct Result: Sendable {
        /// In the direction of the query.
        var results: [(place: ArchivePlace, rendered: ByteBuffer)] = []
        /// Whether the limit of bytes was reached.
        var isCut = false
        /// How many fit, up to the limit of counting.
        var count = 0
        /// How many of them lie before the first one read.
        var index = 0
        var skipped = 0
    }

    /// - Returns: nil if a place that must be known is not.
    func run(_ transaction: Transaction) throws -> Result? {
        var result = Result()
        guard let owner = try ArchiveTables.number(of: query.owner, transaction) else {
            return hasKnown ? nil : result
        }
        for place in query.known where month.contains(place) {
            guard try exists(place, owner, transaction) else { return nil }
        }
        guard let filter = try Filter(query, owner, transaction) else { return result }
        if let countLimit {
            result.count = try count(filter, query.after, query.before, countLimit, transaction)
        }
        if skipped > 0 {
            result.skipped = min(skipped, try count(filter, lower, upper, skipped, transaction))
        }
        if limit > 0 { try read(filter, &result, transaction) }
        if let countLimit, result.count < countLimit,
            let first = query.isBackwards ? result.results.last : result.results.first {
            result.index = try count(filter, query.after, first.place, .max, transaction)
        }
        return result
    }

    private var hasKnown: Bool { query.known.contains { month.contains($0) } }
    private var lower: ArchivePlace { max(query.after, query.pageAfter) }
    private var upper: ArchivePlace { min(query.before, query.pageBefore) }

    private func exists(_ place: ArchivePlace, _ owner: Int, _ transaction: Transaction) throws -> Bool {
        try transaction.first(
            "SELECT 1 FROM entries WHERE owner = $1 AND place = $2",
            [.integer(owner), .integer(Int(place.number - month.start.number))]) { _ in true } ?? false
    }

    /// The beginning of the conditions, and what they are given.
    private struct Filter {
        /// Which index is used is not left to SQLite: for a conversation it prefers to look through all that the owner has.
        var table = "entries"
        var conditions = "owner = $1"
        var arguments: [SQLValue]

        /// Nil if nothing can fit.
        init?(_ query: ArchiveQuery, _ owner: Int, _ transaction: Transaction) throws {
            arguments = [.integer(owner)]
            guard let peer = query.peer else { return }
            guard let number = try ArchiveTables.number(of: peer, transaction) else { return nil }
            table = "entries INDEXED BY entries_by_peer"
            conditions += " AND peer = $2"
            arguments.append(.integer(number))
            guard let resource = query.resource else { return }
            guard let number = try ArchiveTables.number(of: resource, transaction) else { return nil }
            conditions += " AND resource = $3"
            arguments.append(.integer(number))
        }

        /// The conditions with limits of places, without these.
        func limited(
            _ lower: ArchivePlace, _ upper: ArchivePlace, in month: ArchiveMonth
        ) -> (conditions: String, arguments: [SQLValue]) {
            let number = arguments.count
            let base = month.start.number
            let top = min(upper.number, month.end.number) - base
            return (
                "\(conditions) AND place > $\(number + 1) AND place < $\(number + 2)",
                arguments + [.integer(Int(max(lower.number, base - 1) - base)), .integer(Int(top))]
            )
        }
    }

    private func count(
        _ filter: Filter, _ lower: ArchivePlace, _ upper: ArchivePlace, _ limit: Int, _ transaction: Transaction
    ) throws -> Int {
        let (conditions, arguments) = filter.limited(lower, upper, in: month)
        return try transaction.first(
            "SELECT count(*) FROM (SELECT 1 FROM \(filter.table) WHERE \(conditions) LIMIT $\(arguments.count + 1))",
            arguments + [.integer(limit)]
        ) { try $0.integer(0) } ?? 0
    }

    private func read(_ filter: Filter, _ result: inout Result, _ transaction: Transaction) throws {
        let (conditions, arguments) = filter.limited(lower, upper, in: month)
        let order = query.isBackwards ? "DESC" : "ASC"
        let number = arguments.count
        var buffer = ByteBuffer()
        buffer.reserveCapacity(min(limit, 64) * 512)
        var found: [(place: ArchivePlace, start: Int)] = []
        let base = month.start.number
        try transaction.forEachRow(
            """
            SELECT e.place, p.payload FROM (
                SELECT place, lag FROM \(filter.table) WHERE \(conditions)
                ORDER BY place \(order) LIMIT $\(number + 1) OFFSET $\(number + 2)) e
            CROSS JOIN payloads p ON p.place = e.place - e.lag
            """, arguments + [.integer(limit), .integer(result.skipped)], until: { row in
                let place = ArchivePlace(number: base + Int64(try row.integer(0)))
                found.append((place, buffer.writerIndex))
                try row.withBytes(1) { bytes in
                    try render(place, { try codec.decode(bytes, into: &$0) }, &buffer)
                }
                result.isCut = buffer.writerIndex >= byteLimit
                return result.isCut
            })
        for (index, item) in found.enumerated() {
            let end = index + 1 < found.count ? found[index + 1].start : buffer.writerIndex
            guard let rendered = buffer.getSlice(at: item.start, length: end - item.start) else { continue }
            result.results.append((item.place, rendered))
        }
    }

    // MARK: Single places

    /// Which of some places of the month fit, in order.
    func fitting(_ places: [ArchivePlace], _ transaction: Transaction) throws -> [ArchivePlace]? {
        guard let owner = try ArchiveTables.number(of: query.owner, transaction) else { return hasKnown ? nil : [] }
        for place in query.known where month.contains(place) {
            guard try exists(place, owner, transaction) else { return nil }
        }
        guard let filter = try Filter(query, owner, transaction) else { return [] }
        return try places.filter { place in
            guard query.after < place, place < query.before else { return false }
            return try count(
                filter, ArchivePlace(number: place.number - 1), ArchivePlace(number: place.number + 1), 1, transaction) > 0
        }
    }
}
