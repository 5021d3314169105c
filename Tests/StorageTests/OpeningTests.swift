import Foundation
import Storage
import Testing

/// What `Database.open` accepts, refuses and leaves alone.
@Suite struct OpeningTests {
    let folder = ScratchFolder()

    private func open(
        _ migrations: [Migration] = [fruit], role: Database.Role = .server
    ) throws(StorageError) -> Database {
        try Database.open(directory: folder.path, role: role, migrations: migrations)
    }

    private func failure(_ body: () throws(StorageError) -> Database) -> StorageError? {
        do throws(StorageError) {
            try body().close()
            return nil
        } catch {
            #expect(!error.description.contains("\n"))
            return error
        }
    }

    /// A commit under NORMAL, which GRDB likes to set, survives a crash and not a power cut.
    @Test func theWriterIsFullySynchronous() throws {
        let database = try open()
        #expect(try database.writerPragma("synchronous") == "2")
        #expect(try database.writerPragma("journal_mode") == "wal")
        #expect(try database.writerPragma("foreign_keys") == "1")
        database.close()
    }

    @Test func theFilesAreTheOwnersAlone() throws {
        let path = folder.path + "/new/deep"
        let database = try Database.open(directory: path, migrations: [fruit])
        for (name, mode) in [("", 0o700), ("/core.db", 0o600), ("/core.db-wal", 0o600)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + name)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode, "\(name)")
        }
        database.close()
    }

    @Test func migrationsRunOnceAndInOrder() async throws {
        let second = Migration(
            name: "fruit-2", sql: ["ALTER TABLE fruit ADD COLUMN origin TEXT", "INSERT INTO fruit (name) VALUES ('a')"])
        try open([fruit]).close()
        try open([fruit, second]).close()
        let database = try open([fruit, second])
        #expect(try await database.read { try $0.fruits() } == ["a"])
        database.close()
    }

    /// Features come and go in any order of the list; what counts is the name.
    @Test func aMigrationMayBeNewBeforeAnOldOne() throws {
        try open([fruit]).close()
        try open([Migration(name: "bread-1", sql: ["CREATE TABLE bread (name TEXT)"]), fruit]).close()
    }

    @Test func aFailingMigrationKeepsNothing() async throws {
        try open([fruit]).close()
        let broken = Migration(name: "broken-1", sql: ["CREATE TABLE half (a TEXT)", "CREATE TABLE half (a TEXT)"])
        let error = failure { () throws(StorageError) in
            try open([fruit, Migration(name: "before-1", sql: ["CREATE TABLE before (a TEXT)"]), broken])
        }
        guard case .statement(let text)? = error else { Issue.record("\(String(describing: error))"); return }
        #expect(text.contains("broken-1"))
        let database = try open([fruit])
        let tables = try await database.read {
            try $0.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") { try $0.text(0) }
        }
        #expect(tables == ["applied_migration", "basket", "fruit"])
        database.close()
    }

    @Test func twoMigrationsOfOneNameAreRefused() {
        let error = failure { () throws(StorageError) in try open([fruit, fruit]) }
        guard case .statement? = error else { Issue.record("\(String(describing: error))"); return }
    }

    @Test func aNewerSchemaIsRefusedAndLeftAlone() throws {
        try open([fruit, Migration(name: "future-1", sql: ["CREATE TABLE future (a TEXT)"])]).close()
        let before = try folder.bytes(of: "core.db")
        let error = failure { () throws(StorageError) in
            try open([fruit, Migration(name: "other-1", sql: ["CREATE TABLE other (a TEXT)"])])
        }
        guard case .newerSchema(let text)? = error else { Issue.record("\(String(describing: error))"); return }
        #expect(text.contains("future-1"))
        #expect(try folder.bytes(of: "core.db") == before)
    }

    @Test func aFileThatIsNoDatabaseIsRefusedAndLeftAlone() throws {
        let text = Data(String(repeating: "dear diary ", count: 1_000).utf8)
        try folder.write(text, to: "core.db")
        let error = failure { () throws(StorageError) in try open() }
        guard case .corrupt? = error else { Issue.record("\(String(describing: error))"); return }
        #expect(try folder.bytes(of: "core.db") == text)
    }

    @Test func aDamagedFileIsRefusedAndLeftAlone() async throws {
        let database = try open()
        try await database.write { transaction in
            for number in 0..<2_000 { try transaction.addFruit("fruit number \(number)", weight: number) }
        }
        database.close()
        var bytes = try folder.bytes(of: "core.db")
        for offset in stride(from: 20_000, to: bytes.count, by: 7) { bytes[offset] ^= 0x5a }
        try folder.write(bytes, to: "core.db")
        let error = failure { () throws(StorageError) in try open() }
        guard case .corrupt? = error else { Issue.record("\(String(describing: error))"); return }
        #expect(try folder.bytes(of: "core.db") == bytes)
    }

    @Test func aFolderBelowAFileIsRefused() throws {
        try folder.write(Data(), to: "file")
        let error = failure { () throws(StorageError) in
            try Database.open(directory: folder.path + "/file/data", migrations: [fruit])
        }
        guard case .unusable(let text)? = error else { Issue.record("\(String(describing: error))"); return }
        #expect(text.contains(folder.path + "/file/data"))
    }

    @Test func aFolderInPlaceOfTheFileIsRefused() throws {
        try FileManager.default.createDirectory(
            atPath: folder.path + "/core.db", withIntermediateDirectories: false)
        let error = failure { () throws(StorageError) in try open() }
        guard case .unusable? = error else { Issue.record("\(String(describing: error))"); return }
    }

    @Test func twoServersCannotShareADirectory() async throws {
        let first = try open()
        let error = failure { () throws(StorageError) in try open() }
        guard case .inUse? = error else { Issue.record("\(String(describing: error))"); return }
        try await first.write { try $0.addFruit("a") }
        first.close()
        try open().close()
    }

    @Test func aCommandWorksBesideTheServer() async throws {
        let server = try open()
        let command = try open(role: .command)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                let database = number.isMultiple(of: 2) ? server : command
                group.addTask { try await database.write { try $0.addFruit("\(number)") } }
            }
            try await group.waitForAll()
        }
        command.close()
        #expect(try await server.read { try $0.fruits().count } == 100)
        try await server.write { try $0.addFruit("last") }
        server.close()
    }

    @Test func aLockHeldTooLongIsToldAndOver() async throws {
        var limits = Database.Limits()
        limits.busyTimeout = 0.05
        let server = try open()
        let impatient = try Database.open(directory: folder.path, migrations: [fruit], limits: limits)
        let running = Signal(), release = Signal()
        server.write({ _ in running.set(); release.wait() }, completion: { _ in })
        running.wait()
        await #expect(throws: StorageError.self) { try await impatient.write { try $0.addFruit("a") } }
        release.set()
        try await server.write { try $0.addFruit("b") }
        try await impatient.write { try $0.addFruit("c") }
        #expect(try await server.read { try $0.fruits() } == ["b", "c"])
        impatient.close()
        server.close()
    }
}
