/// What a transaction can do, handed to the closures given to `Database.read` and `Database.write`.
///
/// The statements are written so that SQLite and PostgreSQL both take them: parameters are `$1`, `$2`, … and
/// first appear in this order; columns are TEXT, BIGINT, DOUBLE PRECISION or BYTEA; `ON CONFLICT` and
/// `RETURNING` are fine; no rowid, no deferred constraints (one transaction may hold the units of many callers,
/// and a rule that is checked only at the commit would fail all of them). Statements are prepared once per
/// connection and text, so values belong into arguments, never into the text.
package struct Transaction {
    private let connection: Connection

    init(_ connection: Connection) {
        self.connection = connection
    }

    /// Runs a statement and says how many rows it inserted, updated or deleted.
    @discardableResult
    package func execute(_ sql: String, _ arguments: [SQLValue] = []) throws(StorageError) -> Int {
        try connection.execute(sql, arguments)
    }

    /// What `body` makes of each row of the result, in order.
    package func rows<Element>(
        _ sql: String, _ arguments: [SQLValue] = [], _ body: (borrowing Row) throws -> Element
    ) throws -> [Element] {
        var elements: [Element] = []
        try connection.forEachRow(sql, arguments) { row in
            elements.append(try body(row))
            return true
        }
        return elements
    }

    /// What `body` makes of the first row of the result, `nil` if there is none.
    package func first<Element>(
        _ sql: String, _ arguments: [SQLValue] = [], _ body: (borrowing Row) throws -> Element
    ) throws -> Element? {
        var element: Element?
        try connection.forEachRow(sql, arguments) { row in
            element = try body(row)
            return false
        }
        return element
    }

    /// Gives each row of the result to `body`, in order, until that returns true.
    package func forEachRow(
        _ sql: String, _ arguments: [SQLValue] = [], until body: (borrowing Row) throws -> Bool
    ) throws {
        try connection.forEachRow(sql, arguments) { row in try !body(row) }
    }
}
