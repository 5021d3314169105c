package import Storage
package import XMPP

/// Where reports are kept, oldest first.
package enum AbuseReportStore {
    static let migrations = [
        Migration(
            name: "abuse-reports-1",
            sql: [
                """
                CREATE TABLE abuse_reports (
                    id BIGINT NOT NULL PRIMARY KEY, received BIGINT NOT NULL, reporter TEXT NOT NULL,
                    reported TEXT NOT NULL, reason TEXT NOT NULL, content TEXT NOT NULL, messages TEXT NOT NULL)
                """,
                "CREATE INDEX abuse_reports_by_reporter ON abuse_reports (reporter, received)",
            ])
    ]

    /// A report as it is kept.
    package struct Kept: Sendable, Equatable {
        package let id: Int
        package let received: DateTime
        package let reporter: String
        package let report: AbuseReport
    }

    /// How many reports somebody has made since a time.
    static func count(by reporter: JID, since time: DateTime, _ transaction: Transaction) throws -> Int {
        try transaction.first(
            "SELECT count(*) FROM abuse_reports WHERE reporter = $1 AND received > $2",
            [.text(reporter.description), .integer(Int(time.milliseconds))]
        ) { try $0.integer(0) } ?? 0
    }

    /// Adds a report, and forgets the oldest beyond a number.
    static func add(
        _ report: AbuseReport, by reporter: JID, at time: DateTime, keeping limit: Int, _ transaction: Transaction
    ) throws {
        let last = try transaction.first("SELECT max(id) FROM abuse_reports", []) { try $0.integerOrNil(0) } ?? nil
        let id = (last ?? 0) + 1
        try transaction.execute(
            """
            INSERT INTO abuse_reports (id, received, reporter, reported, reason, content, messages)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            [
                .integer(id), .integer(Int(time.milliseconds)), .text(reporter.description),
                .text(report.reported.description), .text(report.reason), .text(report.text),
                .text(report.messages.joined(separator: "\n")),
            ])
        try transaction.execute("DELETE FROM abuse_reports WHERE id <= $1", [.integer(id - limit)])
    }

    /// The reports behind one, at most `limit`.
    package static func list(after id: Int, limit: Int, _ transaction: Transaction) throws -> [Kept] {
        try transaction.rows(
            """
            SELECT id, received, reporter, reported, reason, content, messages FROM abuse_reports
            WHERE id > $1 ORDER BY id LIMIT $2
            """, [.integer(id), .integer(limit)]
        ) { row -> Kept? in
            guard let reported = try? JID(try row.text(3)) else { return nil }
            let messages = try row.text(6).split(separator: "\n").map(String.init)
            return Kept(
                id: try row.integer(0), received: DateTime(milliseconds: Int64(try row.integer(1))),
                reporter: try row.text(2),
                report: AbuseReport(
                    reported: reported, reason: try row.text(4), text: try row.text(5), messages: messages))
        }.compactMap { $0 }
    }

    static func remove(_ reporter: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM abuse_reports WHERE reporter = $1", [.text(reporter.description)])
    }
}
