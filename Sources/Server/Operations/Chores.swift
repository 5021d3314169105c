internal import NIOCore
internal import Synchronization

/// Work that is done from time to time, beside everything else; no chore is begun again before it has ended.
package struct Chore: Sendable {
    let interval: Duration
    let body: @Sendable () async -> Void
}

/// Begins chores when their time has come, each for the first time soon after the start.
final class Chores: Sendable {
    private struct State {
        var next: ContinuousClock.Instant?
        var isRunning = false
    }

    private let chores: [Chore]
    private let states: Mutex<[State]>

    init(_ chores: [Chore]) {
        self.chores = chores
        states = Mutex(chores.map { _ in State() })
    }

    /// Called every few seconds.
    /// - Parameter kernel: stays until the chores that are begun have ended.
    func look(_ now: ContinuousClock.Instant, _ kernel: Kernel) {
        for (index, chore) in chores.enumerated() {
            let isDue = states.withLock { states in
                guard !states[index].isRunning, states[index].next.map({ $0 <= now }) ?? true else { return false }
                states[index] = State(next: now + chore.interval, isRunning: true)
                return true
            }
            guard isDue else { continue }
            Task {
                await chore.body()
                withExtendedLifetime(kernel) {}
                states.withLock { $0[index].isRunning = false }
            }
        }
    }
}
