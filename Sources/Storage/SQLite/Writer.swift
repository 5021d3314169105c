internal import Synchronization

/// Natural group commit: whatever waits for the one writing connection becomes one transaction.
///
/// There is no timer. An idle writer commits a unit at once; while one commit waits for the disk, units gather and
/// share the next. A unit is whatever one `Database.write` does; it has a savepoint of its own, so that a unit that
/// fails undoes itself alone. Only when the commit fails do all its units fail, and the next transaction is tried
/// as if nothing had happened: when space returns the writer works again.
final class Writer: Sendable {
    private struct State {
        var waiting: [any Unit] = []
        var isDraining = false
        var isClosed = false
    }

    /// A bound on the time and memory of one commit; at 1,000 the throughput has long stopped to grow.
    private static let unitsPerCommit = 1_000

    private let connection: Connection
    private let capacity: Int
    private let committed: @Sendable () -> Void
    private let state = Mutex(State())
    /// Units handed over whose completion has not been called yet.
    let pending = Atomic<Int>(0)
    let commits = Atomic<Int>(0)

    /// - Parameter committed: called after each commit, on the writer's queue.
    init(connection: Connection, capacity: Int, committed: @escaping @Sendable () -> Void) {
        self.connection = connection
        self.capacity = capacity
        self.committed = committed
    }

    /// Any thread. Fails the unit at once, on the caller's thread, when too much waits or after `drain`.
    func submit(_ unit: any Unit) {
        enum Outcome { case queued, start, refused(StorageError) }
        let outcome = state.withLock { state -> Outcome in
            guard !state.isClosed else { return .refused(.closed) }
            guard pending.load(ordering: .relaxed) < capacity else { return .refused(.overloaded) }
            pending.add(1, ordering: .relaxed)
            state.waiting.append(unit)
            guard !state.isDraining else { return .queued }
            state.isDraining = true
            return .start
        }
        switch outcome {
        case .queued: break
        case .start: connection.async { [self] connection in commitAll(on: connection) }
        case .refused(let error): unit.finish(error)
        }
    }

    /// Takes nothing more and finishes what waits. Not from a unit.
    func drain() {
        state.withLock { $0.isClosed = true }
        // What waits was handed to the queue before this.
        try? connection.sync { _ in }
    }

    private func commitAll(on connection: Connection) {
        while true {
            let batch = state.withLock { state -> [any Unit] in
                let batch = state.waiting
                state.waiting = []
                state.isDraining = !batch.isEmpty
                return batch
            }
            if batch.isEmpty { return }
            var rest = batch[...]
            while !rest.isEmpty {
                rest = commit(rest.prefix(Self.unitsPerCommit), on: connection) + rest.dropFirst(Self.unitsPerCommit)
            }
        }
    }

    /// Runs the units in one transaction and calls their completions.
    ///
    /// Returns the units that have not been tried, because SQLite ended the transaction half-way.
    private func commit(
        _ units: ArraySlice<any Unit>, on connection: Connection
    ) -> ArraySlice<any Unit> {
        do {
            connection.rollback()
            try connection.begin(.immediate)
        } catch {
            finish(units, error)
            return []
        }
        for index in units.indices {
            do {
                try run(units[index], on: connection, isAlone: units.count == 1)
            } catch {
                connection.rollback()
                finish(units[...index], error)
                return units[(index + 1)...]
            }
        }
        do {
            try connection.commit()
        } catch {
            connection.rollback()
            finish(units, error)
            return []
        }
        commits.add(1, ordering: .relaxed)
        committed()
        finish(units, nil)
        return []
    }

    /// Throws only if the whole transaction is gone.
    private func run(_ unit: any Unit, on connection: Connection, isAlone: Bool) throws(StorageError) {
        if !isAlone { try connection.execute("SAVEPOINT unit") }
        let error = unit.run(Transaction(connection))
        guard connection.isInTransaction else {
            throw error ?? .statement("a transaction was ended by a statement inside of it")
        }
        if let error {
            if isAlone { throw error }
            try connection.execute("ROLLBACK TO unit")
        }
        if !isAlone { try connection.execute("RELEASE unit") }
    }

    private func finish(_ units: ArraySlice<any Unit>, _ error: StorageError?) {
        for unit in units {
            unit.finish(error)
            pending.subtract(1, ordering: .relaxed)
        }
    }
}
