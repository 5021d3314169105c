internal import Synchronization

/// One database: many readers, one writer with group commit.
///
/// Bodies of transactions run on the database's own threads and must not block on anything else, above all not on
/// this database; completions run there too and hand over to where the result is needed. A write that has
/// completed is on disk and seen by every read submitted afterwards.
package final class Database: Sendable {
    /// What the process that opens the database is.
    package enum Role: Sendable {
        /// Serves clients: only one such process may work on a directory. The file is checked at the start.
        case server
        /// Does a task and ends, also while a server runs.
        case command
        /// Does a task in the place of a server: none runs meanwhile.
        case maintenance
    }

    /// The sizes of queues and the patience with other processes.
    package struct Limits: Sendable {
        /// Writes that may wait for the writer.
        package var writes = 65_536
        /// Reads that may wait for a reader.
        package var reads = 65_536
        /// Reading connections.
        package var readers = 4
        /// How much of the file the writer keeps in memory, in KiB.
        package var writerCache = 2_000
        /// How long to wait for a lock that another process holds, in seconds.
        package var busyTimeout = 10.0

        package init() {}
    }

    private let directory: DataDirectory
    private let connection: Connection
    private let writer: Writer
    private let readers: Readers
    private let checkpointer: Checkpointer
    private let isClosed = Atomic<Bool>(false)

    /// Opens or creates `DIRECTORY/NAME.db` and applies the migrations that it lacks.
    ///
    /// Every process has to name all migrations of the program, commands too: a name in the file that is not among
    /// them means that a newer version wrote it. Blocks while the disk works.
    ///
    /// - Throws: one line for the administrator; an existing database is left as it was.
    package static func open(
        directory: String, name: String = "core", role: Role = .command, migrations: [Migration],
        limits: Limits = Limits()
    ) throws(StorageError) -> Database {
        try Database(
            directory: DataDirectory(directory, name: name, role: role),
            role: role, schema: Schema(migrations: migrations), limits: limits)
    }

    private init(
        directory: DataDirectory, role: Role, schema: Schema, limits: Limits
    ) throws(StorageError) {
        func connect(_ purpose: Connection.Purpose) throws(StorageError) -> Connection {
            try Connection(file: directory.file, purpose: purpose, busyTimeout: limits.busyTimeout)
        }
        let writing = try connect(.writer)
        try writing.sync { connection throws(StorageError) in
            if role == .server { try connection.check() }
            try schema.apply(on: connection, file: directory.file)
            _ = try connection.pragma("wal_autocheckpoint = \(Checkpointer.backstop)")
            _ = try connection.pragma("cache_size = -\(limits.writerCache)")
        }
        var reading: [Connection] = []
        for _ in 0..<max(1, limits.readers) { reading.append(try connect(.reader)) }
        let checkpointer = Checkpointer(connection: try connect(.checkpointer))
        self.directory = directory
        self.checkpointer = checkpointer
        connection = writing
        writer = Writer(connection: writing, capacity: limits.writes) { checkpointer.committed() }
        readers = Readers(connections: reading, capacity: limits.reads)
    }

    /// Runs `body` on a reader, in one consistent view of the data, then `completion` on the same thread.
    ///
    /// When too much waits (`.overloaded`) or after `close`, `completion` is called at once on the caller's thread.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value,
        completion: @escaping @Sendable (Result<Value, StorageError>) -> Void
    ) {
        readers.submit(ValueUnit(body: body, completion: completion))
    }

    /// Runs `body` on the writer, together with others that wait, then `completion` when all of it is on disk.
    ///
    /// Bodies and completions run in the order of submission. When `body` throws, what it did is undone and only
    /// its own completion hears of it. When too much waits (`.overloaded`) or after `close`, `completion` is called
    /// at once on the caller's thread.
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value,
        completion: @escaping @Sendable (Result<Value, StorageError>) -> Void
    ) {
        writer.submit(ValueUnit(body: body, completion: completion))
    }

    /// `read` for callers that may wait.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws(StorageError) -> Value {
        try await withCheckedContinuation { continuation in
            read(body) { continuation.resume(returning: $0) }
        }.get()
    }

    /// `write` for callers that may wait.
    @discardableResult
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws(StorageError) -> Value {
        try await withCheckedContinuation { continuation in
            write(body) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Writes handed over and not completed yet. Any thread.
    package var pendingWrites: Int { writer.pending.load(ordering: .relaxed) }

    /// Transactions committed since the start, for metrics: writes divided by it is the size of a group.
    package var commits: Int { writer.commits.load(ordering: .relaxed) }

    /// The value of a pragma of the writing connection, for diagnosis. Blocks until the writer comes to it.
    package func writerPragma(_ text: String) throws(StorageError) -> String {
        try connection.sync { connection throws(StorageError) in try connection.pragma(text) }
    }

    /// Takes nothing more, finishes what waits and closes the files. Blocks; not from a body or a completion.
    package func close() {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        writer.drain()
        checkpointer.close()
        readers.close()
        // Last: whoever closes last empties the write-ahead log, and a reader cannot.
        connection.close()
        directory.release()
    }
}
