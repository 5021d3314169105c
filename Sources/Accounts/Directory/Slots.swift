import Synchronization

/// A fixed number of places; who finds none free waits in order of arrival, at most until a deadline.
final class Slots: Sendable {
    private struct State {
        var free: Int
        var waiting: [(ticket: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        var nextTicket = 0
    }

    private let state: Mutex<State>

    init(_ count: Int) {
        state = Mutex(State(free: count))
    }

    /// Whether a place was got; then it must be given back.
    func take(by deadline: ContinuousClock.Instant) async -> Bool {
        guard !takeNow() else { return true }
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        let timer = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)
            expire(ticket)
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            let now: Bool? = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                // The timer may have come first.
                if deadline <= .now { return false }
                state.waiting.append((ticket, continuation))
                return nil
            }
            if let now { continuation.resume(returning: now) }
        }
    }

    func give() {
        let next = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil as CheckedContinuation<Bool, Never>?
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }

    private func takeNow() -> Bool {
        state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
    }

    private func expire(_ ticket: Int) {
        let late = state.withLock { state in
            state.waiting.firstIndex { $0.ticket == ticket }.map { state.waiting.remove(at: $0).continuation }
        }
        late?.resume(returning: false)
    }
}
