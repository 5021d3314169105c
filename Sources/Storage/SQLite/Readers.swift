internal import Synchronization

/// A few reading connections, each on a queue of its own; a read takes the first that is free.
final class Readers: Sendable {
    private struct State {
        var idle: [Connection]
        var waiting: [any Unit] = []
        /// The first element of `waiting` that has not been taken.
        var next = 0
        var isClosed = false

        mutating func take() -> (any Unit)? {
            guard next < waiting.count else { return nil }
            defer { next += 1 }
            return waiting[next]
        }
    }

    private let connections: [Connection]
    private let capacity: Int
    private let state: Mutex<State>

    init(connections: [Connection], capacity: Int) {
        self.connections = connections
        self.capacity = capacity
        state = Mutex(State(idle: connections))
    }

    /// Any thread. Fails the unit at once, on the caller's thread, when too much waits or after `close`.
    func submit(_ unit: any Unit) {
        enum Outcome { case queued, start(Connection), refused(StorageError) }
        let outcome = state.withLock { state -> Outcome in
            guard !state.isClosed else { return .refused(.closed) }
            if let connection = state.idle.popLast() { return .start(connection) }
            guard state.waiting.count - state.next < capacity else { return .refused(.overloaded) }
            if state.next > 64, state.next * 2 > state.waiting.count {
                state.waiting.removeFirst(state.next)
                state.next = 0
            }
            state.waiting.append(unit)
            return .queued
        }
        switch outcome {
        case .queued: break
        case .start(let connection): connection.async { [self] connection in drain(on: connection, first: unit) }
        case .refused(let error): unit.finish(error)
        }
    }

    /// Takes nothing more, finishes what waits and closes the connections.
    func close() {
        state.withLock { $0.isClosed = true }
        for connection in connections { connection.close() }
    }

    private func drain(on connection: Connection, first: any Unit) {
        var unit = first
        while true {
            read(unit, on: connection)
            let next = state.withLock { state -> (any Unit)? in
                let next = state.take()
                if next == nil { state.idle.append(connection) }
                return next
            }
            guard let next else { return }
            unit = next
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
