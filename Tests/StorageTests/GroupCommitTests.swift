import Storage
import Synchronization
import Testing

/// Units of many callers share transactions and fail alone.
@Suite struct GroupCommitTests {
    let folder = ScratchFolder()

    private func open(_ limits: Database.Limits = .init()) throws -> Database {
        try Database.open(directory: folder.path, migrations: [fruit], limits: limits)
    }

    /// Holds the writer until the signal returned is set, so that what is submitted meanwhile is one group.
    private func hold(_ database: Database) -> Signal {
        let running = Signal(), release = Signal()
        database.write({ _ in running.set(); release.wait() }, completion: { _ in })
        running.wait()
        return release
    }

    @Test func whatWaitsIsOneCommit() async throws {
        let database = try open()
        let before = database.commits
        let release = hold(database)
        let done = Signal(), completed = Mutex<[Int]>([])
        for number in 0..<400 {
            database.write({ try $0.addFruit("\(number)") }) { result in
                guard case .success = result else { return }
                completed.withLock { $0.append(number) }
                if number == 399 { done.set() }
            }
        }
        #expect(database.pendingWrites == 401)
        release.set()
        done.wait()
        #expect(database.commits == before + 2)
        #expect(completed.withLock { $0 } == Array(0..<400))
        #expect(try await database.read { try $0.fruits().count } == 400)
        database.close()
        #expect(database.pendingWrites == 0)
    }

    @Test func manyTasksNeedFewerCommitsThanWrites() async throws {
        let database = try open()
        let release = hold(database)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask { try await database.write { try $0.addFruit("\(number)") } }
            }
            group.addTask {
                while database.pendingWrites < 201 { await Task.yield() }
                release.set()
            }
            try await group.waitForAll()
        }
        #expect(database.commits < 200)
        #expect(try await database.read { try $0.fruits().count } == 200)
        database.close()
    }

    @Test func aFailingUnitUndoesItselfAlone() async throws {
        let database = try open()
        let release = hold(database)
        let done = Signal(), outcomes = Mutex<[String]>([])
        @Sendable func note(_ result: Result<Void, StorageError>) {
            outcomes.withLock {
                switch result {
                case .success: $0.append("kept")
                case .failure(.thrown(let error)): $0.append("thrown \((error as? Refusal)?.reason ?? "")")
                case .failure(.constraint(let constraint, _)): $0.append("\(constraint)")
                case .failure(let error): $0.append("\(error)")
                }
                if $0.count == 4 { done.set() }
            }
        }
        database.write({ try $0.addFruit("a") }, completion: note)
        database.write({ try $0.addFruit("b"); throw Refusal(reason: "no") }, completion: note)
        database.write({ try $0.addFruit("c"); try $0.addFruit("a") }, completion: note)
        database.write({ try $0.addFruit("b") }, completion: note)
        release.set()
        done.wait()
        #expect(outcomes.withLock { $0 } == ["kept", "thrown no", "unique", "kept"])
        #expect(try await database.read { try $0.fruits() } == ["a", "b"])
        database.close()
    }

    @Test func aLonelyUnitThatFailsLeavesNoTransactionOpen() async throws {
        let database = try open()
        await #expect(throws: StorageError.self) {
            try await database.write { try $0.addFruit("a"); throw Refusal(reason: "no") }
        }
        let other = try open()
        try await other.write { try $0.addFruit("b") }
        #expect(try await database.read { try $0.fruits() } == ["b"])
        other.close()
        database.close()
    }

    @Test func aUnitThatEndsTheTransactionFailsWhatCameBeforeAndNotWhatComesAfter() async throws {
        let database = try open()
        let release = hold(database)
        let done = Signal(), kept = Mutex<[Bool]>([])
        @Sendable func note(_ result: Result<Void, StorageError>) {
            kept.withLock {
                if case .success = result { $0.append(true) } else { $0.append(false) }
                if $0.count == 3 { done.set() }
            }
        }
        database.write({ try $0.addFruit("a") }, completion: note)
        database.write({ try $0.execute("ROLLBACK") }, completion: note)
        database.write({ try $0.addFruit("b") }, completion: note)
        release.set()
        done.wait()
        #expect(kept.withLock { $0 } == [false, false, true])
        #expect(try await database.read { try $0.fruits() } == ["b"])
        database.close()
    }

    @Test func theQueueIsBounded() throws {
        var limits = Database.Limits()
        limits.writes = 3
        let database = try open(limits)
        let release = hold(database)
        let refused = Atomic<Int>(0)
        for number in 0..<5 {
            database.write({ try $0.addFruit("\(number)") }) { result in
                if case .failure(.overloaded) = result { refused.add(1, ordering: .relaxed) }
            }
        }
        #expect(refused.load(ordering: .relaxed) == 3)
        #expect(database.pendingWrites == 3)
        release.set()
        database.close()
        #expect(database.pendingWrites == 0)
    }

    @Test func closingFinishesWhatWaits() async throws {
        let database = try open()
        let release = hold(database)
        let kept = Atomic<Int>(0)
        for number in 0..<2_500 {
            database.write({ try $0.addFruit("\(number)") }) { result in
                if case .success = result { kept.add(1, ordering: .relaxed) }
            }
        }
        release.set()
        database.close()
        #expect(kept.load(ordering: .relaxed) == 2_500)
        let again = try open()
        #expect(try await again.read { try $0.fruits().count } == 2_500)
        again.close()
    }

    /// The file grows only by checkpoints, and the log is far from the size at which a commit would make one.
    @Test(.timeLimit(.minutes(1))) func theLogIsCheckpointedBesideTheWriter() async throws {
        let database = try open()
        let before = try folder.bytes(of: "core.db").count
        while try folder.bytes(of: "core.db").count == before {
            try await database.write {
                try $0.execute(
                    "INSERT INTO fruit SELECT 'f' || count(*), 1, 1, $1 FROM fruit",
                    [.bytes([UInt8](repeating: 7, count: 3_000))])
            }
        }
        let count = try await database.read { try $0.fruits().count }
        #expect(count < 16_384)
        database.close()
        let log = try? folder.bytes(of: "core.db-wal")
        #expect(log?.count ?? 0 == 0)
        let again = try open()
        #expect(try await again.read { try $0.fruits().count } == count)
        again.close()
    }
}
