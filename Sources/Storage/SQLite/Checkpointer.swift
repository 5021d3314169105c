internal import Synchronization

/// Copies the write-ahead log into the database file beside the writer, on a connection of its own.
///
/// SQLite would do it inside a commit, whose callers then wait for it (tens of milliseconds on a slow disk). Its
/// own limit stays as a backstop, raised to 64 MiB, for readers that keep the log from being emptied.
final class Checkpointer: Sendable {
    /// Commits between two checkpoints. A commit writes a few pages of 4 KiB at least.
    private static let interval = 256
    /// Pages at which a commit checkpoints by itself.
    static let backstop = 16_384

    private let connection: Connection
    private let commits = Atomic<Int>(0)
    private let isRunning = Atomic<Bool>(false)

    init(connection: Connection) {
        self.connection = connection
    }

    /// After each commit, on the writer's queue.
    func committed() {
        guard commits.add(1, ordering: .relaxed).newValue >= Self.interval else { return }
        guard !isRunning.exchange(true, ordering: .acquiring) else { return }
        commits.store(0, ordering: .relaxed)
        connection.async { [self] connection in
            // What fails here (disk full, I/O) fails the next commit too, where somebody can be told.
            try? connection.checkpoint()
            isRunning.store(false, ordering: .releasing)
        }
    }

    func close() {
        connection.close()
    }
}
