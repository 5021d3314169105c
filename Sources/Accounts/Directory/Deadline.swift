import Synchronization

/// Runs `work` and returns its result, or `late` when the deadline comes or the caller is cancelled first.
///
/// The caller is never kept longer, whatever the work waits for; the work itself is cancelled and goes on until it notices.
func withDeadline<Value: Sendable>(
    _ deadline: ContinuousClock.Instant, late: Value, _ work: @escaping @Sendable () async -> Value
) async -> Value {
    let race = Race<Value>()
    let worker = Task { race.finish(await work()) }
    let timer = Task {
        try? await Task.sleep(until: deadline, clock: .continuous)
        race.finish(late)
    }
    return await withTaskCancellationHandler {
        let value = await race.winner()
        worker.cancel()
        timer.cancel()
        return value
    } onCancel: {
        worker.cancel()
        // The timer sleeps no longer and finishes the race.
        timer.cancel()
    }
}

/// The first of several results, awaited by one caller.
private final class Race<Value: Sendable>: Sendable {
    private enum State {
        case running(CheckedContinuation<Value, Never>?)
        case finished(Value)
    }

    private let state = Mutex(State.running(nil))

    func finish(_ value: Value) {
        let waiting: CheckedContinuation<Value, Never>? = state.withLock { state in
            guard case .running(let waiting) = state else { return nil }
            state = .finished(value)
            return waiting
        }
        waiting?.resume(returning: value)
    }

    func winner() async -> Value {
        await withCheckedContinuation { continuation in
            let value: Value? = state.withLock { state in
                if case .finished(let value) = state { return value }
                state = .running(continuation)
                return nil
            }
            if let value { continuation.resume(returning: value) }
        }
    }
}
