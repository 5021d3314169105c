internal import NIOCore
internal import Server
internal import Storage
internal import Synchronization
internal import XMPP

/// What is in memory of an account with an archive.
final class ArchiveOwner: Sendable {
    let address: JID
    /// The bare address, as the archive knows it.
    let name: String
    let cipher: PlaceCipher
    let preferences: ArchivePreferences
    /// What was archived before belonged to an account of the same name that was removed.
    let beginning: ArchivePlace
    /// For how many milliseconds messages are kept; nil: for ever.
    let keep: Int64?
    let queue: QueryQueue

    init(
        _ address: JID, cipher: PlaceCipher, preferences: ArchivePreferences, beginning: ArchivePlace, keep: Int64?,
        queue: QueryQueue
    ) {
        self.address = address
        name = address.description
        self.cipher = cipher
        self.preferences = preferences
        self.beginning = beginning
        self.keep = keep
        self.queue = queue
    }

    func with(_ preferences: ArchivePreferences) -> ArchiveOwner {
        ArchiveOwner(
            address, cipher: cipher, preferences: preferences, beginning: beginning, keep: keep, queue: queue)
    }

    /// The first place that may be read.
    func first(at now: DateTime) -> ArchivePlace {
        guard let keep else { return beginning }
        return max(beginning, ArchivePlace(firstOf: now.milliseconds - keep))
    }
}

/// Answers the queries of one account one after the other: each page is in memory as a whole.
final class QueryQueue: Sendable {
    private struct State {
        var isBusy = false
        /// Resumed with whether it is their turn.
        var waiting = CircularBuffer<CheckedContinuation<Bool, Never>>(initialCapacity: 0)
    }

    private static let limit = 200
    private let state = Mutex(State())

    /// Waits for its turn, which ends with `leave`.
    /// - Throws: `resource-constraint` if too many wait.
    func enter() async throws(StanzaError) {
        let isAdmitted = await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                if !state.isBusy {
                    state.isBusy = true
                    return true
                }
                guard state.waiting.count < Self.limit else { return false }
                state.waiting.append(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
        guard isAdmitted else { throw StanzaError(.resourceConstraint, "too many queries wait for their answers") }
    }

    func leave() {
        let next = state.withLock { state in
            let next = state.waiting.popFirst()
            state.isBusy = next != nil
            return next
        }
        next?.resume(returning: true)
    }
}
