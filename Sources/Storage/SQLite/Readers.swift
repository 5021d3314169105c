internal import Foundation
internal import Synchronization

/// A few reading connections, each on a thread of its own; a read is taken by the first that is free. One that is
/// submitted on such a thread, by the completion of another, is taken by it at once: nobody has to be woken.
final class Readers: Sendable {
    private struct State {
        /// What wakes the threads that wait for something to do.
        var idle: [DispatchSemaphore] = []
        var waiting: [any Unit] = []
        /// The first element of `waiting` that has not been taken.
        var next = 0
        var isClosed = false
        var threads: [pthread_t] = []

        mutating func take() -> (any Unit)? {
            guard next < waiting.count else { return nil }
            let unit = waiting[next]
            next += 1
            if next == waiting.count {
                waiting.removeAll(keepingCapacity: next <= 64)
                next = 0
            } else if next > 64, next * 2 > waiting.count {
                waiting.removeFirst(next)
                next = 0
            }
            return unit
        }
    }

    private let connections: [Connection]
    private let capacity: Int
    private let state = Mutex(State())
    /// Signalled once by each thread that ends.
    private let ended = DispatchSemaphore(value: 0)

    init(connections: [Connection], capacity: Int) {
        self.connections = connections
        self.capacity = capacity
        for connection in connections {
            // Threads of our own: waking one of a queue's costs as much as a short read.
            let thread = Thread { [self] in work(on: connection) }
            thread.name = "reader"
            thread.start()
        }
    }

    /// Any thread. Fails the unit at once, on the caller's thread, when too much waits or after `close`.
    func submit(_ unit: any Unit) {
        enum Outcome { case queued(DispatchSemaphore?), refused(StorageError) }
        let outcome = state.withLock { state -> Outcome in
            guard !state.isClosed else { return .refused(.closed) }
            guard state.waiting.count - state.next < capacity else { return .refused(.overloaded) }
            state.waiting.append(unit)
            let caller = pthread_self()
            return .queued(state.threads.contains { pthread_equal($0, caller) != 0 } ? nil : state.idle.popLast())
        }
        switch outcome {
        case .queued(let thread): thread?.signal()
        case .refused(let error): unit.finish(error)
        }
    }

    /// Takes nothing more, finishes what waits and closes the connections.
    func close() {
        let idle = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return state.idle
        }
        for thread in idle { thread.signal() }
        for _ in connections { ended.wait() }
        for connection in connections { connection.close() }
    }

    /// The life of one thread.
    private func work(on connection: Connection) {
        enum Step { case run(any Unit), wait, end }
        let wake = DispatchSemaphore(value: 0)
        defer { ended.signal() }
        state.withLock { $0.threads.append(pthread_self()) }
        while true {
            let step = state.withLock { state -> Step in
                if let unit = state.take() { return .run(unit) }
                guard !state.isClosed else { return .end }
                state.idle.append(wake)
                return .wait
            }
            switch step {
            case .run(let unit):
                connection.onQueue {
                    var next: (any Unit)? = unit
                    while let unit = next {
                        read(unit, on: connection)
                        next = state.withLock { $0.take() }
                    }
                }
            case .wait: wake.wait()
            case .end: return
            }
        }
    }

    private func read(_ unit: any Unit, on connection: Connection) {
        do {
            connection.rollback()
            try connection.begin(.deferred)
        } catch {
            unit.finish(error)
            return
        }
        _ = unit.run(Transaction(connection))
        // Before the completion: a snapshot held open keeps the write-ahead log from being reused.
        connection.rollback()
        unit.finish(nil)
    }
}
