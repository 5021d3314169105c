internal import Dispatch
internal import Synchronization

/// One month of the archive: its file, opened when it is needed, and what waits to be written to it.
final class ArchiveFile: Sendable {
    /// What waits for its turn.
    private enum Waiting {
        case entry(ArchiveTables.NewEntry, completion: (@Sendable (StorageError?) -> Void)?)
        /// To be told when all that came before is done.
        case barrier(@Sendable () -> Void)

        var newEntry: ArchiveTables.NewEntry? {
            if case .entry(let entry, _) = self { entry } else { nil }
        }
    }

    private struct State {
        var waiting: [Waiting] = []
        /// Whether somebody is going to take what waits.
        var isScheduled = false
        /// What was taken and is not on disk yet.
        var taken = 0
        var database: Database?
        var isOpening = false
        var opening: [@Sendable (Result<Database, StorageError>) -> Void] = []
        /// How many use the database at the moment.
        var users = 0
        var lastUse: UInt64 = 0
    }

    /// A bound on the time of one commit, and on the memory of what is in it.
    private static let entriesPerWrite = 1_000
    private static let clock = Atomic<UInt64>(0)

    let month: ArchiveMonth
    let tables: ArchiveTables
    private let open: @Sendable (ArchiveFile) throws(StorageError) -> Database
    private let queue: DispatchQueue
    private let state = Mutex(State())

    /// - Parameters:
    ///   - queue: where files are opened and closed, one at a time.
    ///   - open: opens the file; called on the queue.
    init(
        _ month: ArchiveMonth, codec: PayloadCodec, queue: DispatchQueue,
        open: @escaping @Sendable (ArchiveFile) throws(StorageError) -> Database
    ) {
        self.month = month
        self.queue = queue
        self.open = open
        tables = ArchiveTables(month: month, codec: codec)
    }

    // MARK: Opening and closing

    /// Gives the database to `body`, which calls `release` when it needs it no longer. Does not wait.
    func use(_ body: @escaping @Sendable (Result<Database, StorageError>) -> Void) {
        enum Step { case use(Database), open, wait }
        let step = state.withLock { state -> Step in
            state.users += 1
            state.lastUse = Self.clock.add(1, ordering: .relaxed).newValue
            if let database = state.database { return .use(database) }
            state.opening.append(body)
            if state.isOpening { return .wait }
            state.isOpening = true
            return .open
        }
        switch step {
        case .use(let database): body(.success(database))
        case .wait: break
        case .open: queue.async { self.openNow() }
        }
    }

    func release() { state.withLock { $0.users -= 1 } }

    private func openNow() {
        let result: Result<Database, StorageError>
        do { result = .success(try open(self)) } catch { result = .failure(error) }
        let waiting = state.withLock { state in
            state.database = try? result.get()
            state.isOpening = false
            defer { state.opening = [] }
            return state.opening
        }
        for body in waiting { body(result) }
    }

    /// When somebody last began to use the file; nil if it is not open, or in use.
    var idleSince: UInt64? {
        state.withLock { $0.database != nil && $0.users == 0 && $0.waiting.isEmpty ? $0.lastUse : nil }
    }

    var isOpen: Bool { state.withLock { $0.database != nil } }
    /// Whether there is anything to wait for.
    var isUnsettled: Bool { state.withLock { !$0.waiting.isEmpty || $0.taken > 0 } }

    /// Closes the file unless it is in use. On the queue.
    func closeIfIdle() {
        let database = state.withLock { state -> Database? in
            guard state.users == 0, state.waiting.isEmpty else { return nil }
            return state.database.take()
        }
        database?.close()
    }

    /// Writes what waits and closes the file. On the queue, when nobody uses it any more.
    func close() {
        let database = state.withLock { $0.database.take() }
        database?.close()
    }

    // MARK: Using

    /// Reads in one consistent view.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws(StorageError) -> Value {
        try await withCheckedContinuation { continuation in
            use { result in
                switch result {
                case .failure(let error):
                    self.release()
                    continuation.resume(returning: Result<Value, StorageError>.failure(error))
                case .success(let database):
                    database.read(body) { result in
                        self.release()
                        continuation.resume(returning: result)
                    }
                }
            }
        }.get()
    }

    /// Writes in the order of `append`.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (ArchiveTables, Transaction) throws -> Value
    ) async throws(StorageError) -> Value {
        try await withCheckedContinuation { continuation in
            use { [tables] result in
                switch result {
                case .failure(let error):
                    self.release()
                    continuation.resume(returning: Result<Value, StorageError>.failure(error))
                case .success(let database):
                    database.write { try body(tables, $0) } completion: { result in
                        self.release()
                        continuation.resume(returning: result)
                    }
                }
            }
        }.get()
    }

    // MARK: Appending

    /// Lines an entry up. The caller draws places and calls this in their order.
    /// - Returns: whether `writeWaiting` has to be called now.
    func append(_ entry: ArchiveTables.NewEntry, _ completion: (@Sendable (StorageError?) -> Void)?) -> Bool {
        state.withLock { state in
            state.waiting.append(.entry(entry, completion: completion))
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
    }

    /// Calls `body` when all that was appended before is on disk, or has failed.
    func settle(_ body: @escaping @Sendable () -> Void) {
        enum Step { case settled, wait, write }
        let step = state.withLock { state -> Step in
            if state.waiting.isEmpty, state.taken == 0 { return .settled }
            // It follows what has been taken through the writer.
            state.waiting.append(.barrier(body))
            defer { state.isScheduled = true }
            return state.isScheduled ? .wait : .write
        }
        switch step {
        case .settled: body()
        case .wait: break
        case .write: writeWaiting()
        }
    }

    /// Returns when all that was appended before is on disk, or has failed.
    func settle() async {
        await withCheckedContinuation { continuation in settle { continuation.resume() } }
    }

    /// Hands what waits to the writer. Whatever gathers until the writer comes to it goes with it.
    func writeWaiting() {
        use { self.write($0) }
    }

    private func write(_ result: Result<Database, StorageError>) {
        let taken = Taken()
        switch result {
        case .failure(let error):
            taken.waiting = take()
            done(taken.waiting, error)
            release()
        case .success(let database):
            database.write { [tables] transaction in
                taken.waiting = self.take()
                do {
                    try tables.insert(taken.waiting.compactMap(\.newEntry), transaction)
                } catch {
                    tables.undo()
                    throw error
                }
            } completion: { [tables] result in
                switch result {
                case .success:
                    self.done(taken.waiting, nil)
                case .failure(let error):
                    // If the commit has failed; on the writer's queue. If nothing was tried, nothing was taken.
                    if taken.waiting.isEmpty { taken.waiting = self.take() } else { tables.undo() }
                    self.done(taken.waiting, error)
                }
                self.release()
            }
        }
    }

    private func take() -> [Waiting] {
        let (taken, isMore) = state.withLock { state in
            let count = min(state.waiting.count, Self.entriesPerWrite)
            let taken = Array(state.waiting[..<count])
            state.waiting.removeFirst(count)
            state.taken += count
            state.isScheduled = !state.waiting.isEmpty
            return (taken, state.isScheduled)
        }
        if isMore { writeWaiting() }
        return taken
    }

    private func done(_ waiting: [Waiting], _ error: StorageError?) {
        for item in waiting {
            switch item {
            case .entry(_, let completion): completion?(error)
            case .barrier(let body): body()
            }
        }
        state.withLock { $0.taken -= waiting.count }
    }

    /// What one write has taken: the body takes it, the completion answers for it, one after the other on one queue.
    ///
    /// `@unchecked Sendable`: touched only on the queue of the file's writer, in the body and then in the completion.
    private final class Taken: @unchecked Sendable {
        var waiting: [Waiting] = []
    }
}
