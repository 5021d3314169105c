internal import CMalloc
internal import Synchronization

/// Gives memory back to the system after many connections have come or gone.
///
/// glibc keeps what is freed between what is still in use; after a storm of log-ins that is a third of the process.
/// Trimming locks the heap for milliseconds, so it waits until things have calmed down.
final class MemoryTrimming: Sendable {
    private struct State {
        /// How many changes there had been at the last trim, and at the last look.
        var trimmed: UInt64 = 0
        var seen: UInt64 = 0
    }

    /// Fewer changes than this are not worth it.
    private static let threshold: UInt64 = 200

    private let state = Mutex(State())

    /// Called every few seconds.
    /// - Parameter changes: connections and sessions that have begun and ended since the start.
    func look(changes: UInt64) {
        let isDue = state.withLock { state in
            let isCalm = changes == state.seen
            state.seen = changes
            guard isCalm, changes - state.trimmed >= Self.threshold else { return false }
            state.trimmed = changes
            return true
        }
        if isDue { malloc_trim(0) }
    }
}
