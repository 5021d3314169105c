internal import GRDB
internal import GRDBSQLite

/// One SQLite connection with its prepared statements and the dispatch queue that it lives on.
///
/// This is the only place that opens database files, so that a VFS which encrypts them has one place to go.
///
/// `@unchecked Sendable`: `statements`, `database` and `iterating` are touched only on the queue that `queue`
/// owns, inside `async` and `sync`.
final class Connection: @unchecked Sendable {
    enum Purpose: String {
        case writer, reader, checkpointer
    }

    enum Begin: String {
        /// Takes the write lock at once, so that no transaction fails half-way because another process writes.
        case immediate = "BEGIN IMMEDIATE"
        case deferred = "BEGIN"
    }

    /// Texts with changing parts (`IN ($1, $2, …)`) must not fill the memory.
    private static let statementLimit = 500

    private let queue: DatabaseQueue
    private var database: GRDB.Database?
    private var statements: [String: Statement] = [:]
    /// Texts whose rows are being read: their statement must not be used again before that ends.
    private var iterating: [String] = []

    /// Opens the file, which must exist.
    ///
    /// - Parameter busyTimeout: seconds to wait for a lock that another process holds.
    init(file: String, purpose: Purpose, busyTimeout: Double) throws(StorageError) {
        var configuration = Configuration()
        configuration.label = "storage.\(purpose.rawValue)"
        configuration.readonly = purpose == .reader
        configuration.busyMode = .timeout(busyTimeout)
        configuration.foreignKeysEnabled = true
        // Transactions are begun and ended by hand; GRDB would stop the process over one that an I/O error left open.
        configuration.allowsUnsafeTransactions = true
        do {
            queue = try DatabaseQueue(path: file, configuration: configuration)
        } catch {
            throw StorageError(sqlite: error, file: file)
        }
        try sync { connection throws(StorageError) in try connection.configure(purpose, file: file) }
    }

    /// Sets what must hold on every connection.
    ///
    /// FULL is SQLite's default in Debian, but a build may change it, and GRDB's `DatabasePool` does (to NORMAL,
    /// under which a commit survives a crash of the process and not a power cut): so it is set by hand, last, on a
    /// plain queue, and read back.
    private func configure(_ purpose: Purpose, file: String) throws(StorageError) {
        if purpose != .reader {
            let mode = try pragma("journal_mode = WAL")
            guard mode == "wal" else {
                throw .unusable("\(file): no write-ahead log can be used here (journal mode \(mode)); use a local disk")
            }
        }
        _ = try pragma("synchronous = FULL")
        guard try pragma("synchronous") == "2" else {
            throw .unusable("\(file): SQLite does not accept synchronous = FULL")
        }
        // Each connection has a cache of its own, of 2 MB unless told otherwise; behind it is the system's.
        if purpose == .reader { _ = try pragma("cache_size = -256") }
    }

    deinit {
        // Before the queue closes the file, which prepared statements would keep open.
        statements = [:]
    }

    /// Runs `body` on the connection's queue, after what was handed to it before.
    func async(_ body: @escaping @Sendable (Connection) -> Void) {
        queue.asyncWriteWithoutTransaction { [self] database in
            self.database = database
            body(self)
        }
    }

    /// Runs `body` on the calling thread while nobody else has the connection. Not from the connection's queue.
    func onQueue(_ body: () -> Void) {
        queue.writeWithoutTransaction { database in
            self.database = database
            body()
        }
    }

    /// Runs `body` on the connection's queue and waits for it. Not from that queue.
    func sync<T>(_ body: (Connection) throws(StorageError) -> T) throws(StorageError) -> T {
        let result: Result<T, StorageError> = queue.writeWithoutTransaction { database in
            self.database = database
            do throws(StorageError) {
                return .success(try body(self))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Finalises the statements and closes the file; what was handed to `async` before runs first.
    func close() {
        queue.writeWithoutTransaction { _ in
            statements = [:]
            database = nil
        }
        _ = try? queue.close()
    }

    // MARK: On the queue

    func begin(_ kind: Begin) throws(StorageError) {
        try execute(kind.rawValue)
    }

    func commit() throws(StorageError) {
        try execute("COMMIT")
    }

    /// Ends the transaction if one is open. SQLite ends it itself after some errors (disk full, I/O).
    func rollback() {
        guard isInTransaction else { return }
        _ = try? execute("ROLLBACK")
    }

    var isInTransaction: Bool {
        database?.isInsideTransaction ?? false
    }

    @discardableResult
    func execute(_ sql: String, _ arguments: [SQLValue] = []) throws(StorageError) -> Int {
        try translating(sql) { database in
            let before = database.totalChangesCount
            try run(statement(sql, in: database), arguments) { _ in true }
            return database.totalChangesCount - before
        }
    }

    /// Calls `body` with each row until it returns false; a changing statement is always run to its end.
    func forEachRow(
        _ sql: String, _ arguments: [SQLValue], _ body: (borrowing Row) throws -> Bool
    ) throws {
        var bodyError: (any Error)?
        try translating(sql) { database in
            let statement = try statement(sql, in: database)
            iterating.append(sql)
            defer { iterating.removeLast() }
            var wanted = true
            try run(statement, arguments) { row in
                guard wanted else { return true }
                do {
                    wanted = try body(row)
                } catch {
                    bodyError = error
                    return false
                }
                return wanted || !statement.isReadonly
            }
        }
        if let bodyError { throw bodyError }
    }

    /// Runs a statement until it has no more rows or `body` returns false.
    ///
    /// By SQLite's own functions: those of GRDB copy arguments and rows, which costs more than most statements do.
    private func run(
        _ statement: Statement, _ arguments: [SQLValue], _ body: (borrowing Row) -> Bool
    ) throws(StorageError) {
        let pointer = statement.sqliteStatement
        // Also ends what is left of a statement whose rows were not all wanted.
        defer { sqlite3_reset(pointer) }
        for (index, argument) in arguments.enumerated() {
            guard bind(argument, to: CInt(index + 1), of: pointer) == SQLITE_OK else { throw failure(of: statement) }
        }
        guard arguments.count == Int(sqlite3_bind_parameter_count(pointer)) else {
            throw .statement("\(arguments.count) arguments are too many or too few in \(statement.sql)")
        }
        while true {
            switch sqlite3_step(pointer) {
            case SQLITE_ROW: guard body(Row(pointer)) else { return }
            case SQLITE_DONE: return
            default: throw failure(of: statement)
            }
        }
    }

    private func bind(_ value: SQLValue, to index: CInt, of pointer: OpaquePointer) -> CInt {
        // SQLite copies what it is lent.
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null: return sqlite3_bind_null(pointer, index)
        case .integer(let value): return sqlite3_bind_int64(pointer, index, Int64(value))
        case .real(let value): return sqlite3_bind_double(pointer, index, value)
        case .text(var value):
            return value.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    sqlite3_bind_text64(pointer, index, $0.baseAddress, UInt64($0.count), copied, UInt8(SQLITE_UTF8))
                }
            }
        case .bytes(let value):
            // No address would mean NULL.
            guard !value.isEmpty else { return sqlite3_bind_zeroblob(pointer, index, 0) }
            return value.withUnsafeBytes { sqlite3_bind_blob64(pointer, index, $0.baseAddress, UInt64($0.count), copied) }
        }
    }

    /// The error with which SQLite's last function has ended.
    private func failure(of statement: Statement) -> StorageError {
        let connection = sqlite3_db_handle(statement.sqliteStatement)
        return StorageError(
            sqlite: DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
                message: sqlite3_errmsg(connection).map { String(cString: $0) }, sql: statement.sql),
            file: queue.path)
    }

    /// The names of the migrations in the file, none if it is new.
    func appliedMigrations() throws(StorageError) -> [String] {
        try translating("applied migrations") { database in
            guard try database.tableExists("applied_migration") else { return [] }
            return try String.fetchAll(database, sql: "SELECT name FROM applied_migration ORDER BY position")
        }
    }

    /// The value of a pragma after it was read or set.
    func pragma(_ text: String) throws(StorageError) -> String {
        try translating("PRAGMA \(text)") { database in
            let value: DatabaseValue? = try GRDB.Row.fetchOne(database, sql: "PRAGMA \(text)")?[0]
            return switch value?.storage {
            case .string(let text): text
            case .int64(let number): "\(number)"
            case .double, .blob, .null, nil: ""
            }
        }
    }

    /// Reads the whole file.
    func check() throws(StorageError) {
        let result = try pragma("quick_check(1)")
        guard result == "ok" else {
            let reason = result.split(separator: "\n").last ?? ""
            throw .corrupt("\(queue.path) is damaged (\(reason)); restore it from a backup")
        }
    }

    /// Moves what no reader needs any more from the write-ahead log into the file, without holding anybody up.
    func checkpoint() throws(StorageError) {
        try translating("checkpoint") { database in
            _ = try database.checkpoint(.passive)
        }
    }

    private func statement(_ sql: String, in database: GRDB.Database) throws -> Statement {
        if iterating.contains(sql) {
            return try database.makeStatement(sql: sql)
        }
        if let statement = statements[sql] { return statement }
        if statements.count >= Self.statementLimit { statements = [:] }
        let statement = try database.makeStatement(sql: sql)
        try checkParameters(of: statement)
        statements[sql] = statement
        return statement
    }

    /// SQLite numbers parameters in the order in which they appear, PostgreSQL by their names: they must agree.
    private func checkParameters(of statement: Statement) throws(StorageError) {
        for index in 0..<sqlite3_bind_parameter_count(statement.sqliteStatement) {
            let name = sqlite3_bind_parameter_name(statement.sqliteStatement, index + 1).map { String(cString: $0) }
            guard name == "$\(index + 1)" else {
                throw .statement(
                    "parameter \(index + 1) is \(name ?? "?"): name parameters $1, $2, … in order, in \(statement.sql)")
            }
        }
    }

    private func translating<T>(
        _ sql: String, _ body: (GRDB.Database) throws -> T
    ) throws(StorageError) -> T {
        guard let database else { throw .closed }
        do {
            return try body(database)
        } catch {
            // A statement that failed would repeat its error when it is reset.
            statements[sql] = nil
            throw StorageError(sqlite: error, file: queue.path)
        }
    }
}
