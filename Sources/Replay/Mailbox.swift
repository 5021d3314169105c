internal import Synchronization
package import NIOCore

/// The bytes that a connection has received, waiting for the client that reads them.
///
/// Filled from any thread, emptied by one task.
package final class Mailbox: Sendable {
    private struct State {
        var bytes: [ByteBuffer] = []
        var isClosed = false
        var waiter: (number: Int, continuation: CheckedContinuation<Taken, Never>)?
        var waiters = 0

        mutating func next() -> Taken? {
            if !bytes.isEmpty { return .bytes(bytes.removeFirst()) }
            return isClosed ? .end : nil
        }
    }

    /// What was found.
    package enum Taken: Sendable {
        case bytes(ByteBuffer)
        /// The connection has ended, and all it brought was taken.
        case end
        case nothingInTime
    }

    private let state = Mutex(State())

    package init() {}

    /// Adds bytes received; after the end they are dropped.
    package func put(_ bytes: ByteBuffer) {
        let waiter = state.withLock { state -> (number: Int, continuation: CheckedContinuation<Taken, Never>)? in
            guard !state.isClosed else { return nil }
            if state.waiter == nil { state.bytes.append(bytes) }
            return state.waiter.take()
        }
        waiter?.continuation.resume(returning: .bytes(bytes))
    }

    /// Notes that the connection has ended.
    package func end() {
        let waiter = state.withLock { state in
            state.isClosed = true
            return state.waiter.take()
        }
        waiter?.continuation.resume(returning: .end)
    }

    /// Takes the next bytes, waiting for them if need be.
    package func take(within patience: Duration) async -> Taken {
        if let taken = takeNow() { return taken }
        let number = state.withLock { state in
            state.waiters += 1
            return state.waiters
        }
        let guardian = Task {
            try? await Task.sleep(for: patience)
            if !Task.isCancelled { giveUp(number) }
        }
        defer { guardian.cancel() }
        return await withCheckedContinuation { continuation in
            let taken = state.withLock { state -> Taken? in
                if let taken = state.next() { return taken }
                state.waiter = (number, continuation)
                return nil
            }
            if let taken { continuation.resume(returning: taken) }
        }
    }

    /// Takes the next bytes if they are there.
    package func takeNow() -> Taken? { state.withLock { $0.next() } }

    private func giveUp(_ number: Int) {
        let waiter = state.withLock { state in
            state.waiter?.number == number ? state.waiter.take() : nil
        }
        waiter?.continuation.resume(returning: .nothingInTime)
    }
}
