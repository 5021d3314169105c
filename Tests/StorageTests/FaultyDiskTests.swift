import FaultyDisk
import Storage
import Synchronization
import Testing

/// No false promise on a disk that is full or broken, and no restart needed when it works again.
@Suite struct FaultyDiskTests {
    let folder = ScratchFolder()

    init() {
        FaultyDisk.install()
    }

    private func open() throws(StorageError) -> Database {
        try Database.open(directory: folder.path, role: .server, migrations: [fruit])
    }

    private func failure(_ body: () async throws(StorageError) -> Void) async -> StorageError? {
        do throws(StorageError) {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    @Test func aFullDiskFailsTheWriteAndNothingElse() async throws {
        let database = try open()
        try await database.write { try $0.addFruit("a") }
        FaultyDisk.setFault(.full, below: folder.path)
        for _ in 0..<3 {
            let error = await failure { () throws(StorageError) in try await database.write { try $0.addFruit("b") } }
            guard case .full? = error else { Issue.record("\(String(describing: error))"); return }
        }
        #expect(try await database.read { try $0.fruits() } == ["a"])
        FaultyDisk.setFault(nil, below: folder.path)
        try await database.write { try $0.addFruit("b") }
        database.close()
        let again = try open()
        #expect(try await again.read { try $0.fruits() } == ["a", "b"])
        again.close()
    }

    @Test func aFailedCommitFailsEveryUnitOfItsGroup() async throws {
        let database = try open()
        let running = Signal(), release = Signal(), done = Signal(), full = Atomic<Int>(0)
        database.write({ _ in running.set(); release.wait() }, completion: { _ in })
        running.wait()
        FaultyDisk.setFault(.full, below: folder.path)
        for number in 0..<10 {
            database.write({ try $0.addFruit("\(number)") }) { result in
                if case .failure(.full) = result { full.add(1, ordering: .relaxed) }
                if number == 9 { done.set() }
            }
        }
        release.set()
        done.wait()
        #expect(full.load(ordering: .relaxed) == 10)
        FaultyDisk.setFault(nil, below: folder.path)
        try await database.write { try $0.addFruit("after") }
        #expect(try await database.read { try $0.fruits() } == ["after"])
        database.close()
    }

    @Test func aSyncThatFailsIsNoCommit() async throws {
        let database = try open()
        FaultyDisk.setFault(.unsyncable, below: folder.path)
        let error = await failure { () throws(StorageError) in try await database.write { try $0.addFruit("a") } }
        guard case .io? = error else { Issue.record("\(String(describing: error))"); return }
        #expect(try await database.read { try $0.fruits() } == [])
        FaultyDisk.setFault(nil, below: folder.path)
        try await database.write { try $0.addFruit("b") }
        database.close()
        let again = try open()
        #expect(try await again.read { try $0.fruits() } == ["b"])
        again.close()
    }

    @Test func aDatabaseIsNotHalfMadeOnAFullDisk() async throws {
        FaultyDisk.setFault(.full, below: folder.path)
        let error = await failure { () throws(StorageError) in try open().close() }
        guard case .full? = error else { Issue.record("\(String(describing: error))"); return }
        FaultyDisk.setFault(nil, below: folder.path)
        let database = try open()
        try await database.write { try $0.addFruit("a") }
        database.close()
    }
}
