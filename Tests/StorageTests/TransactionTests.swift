import Foundation
import Storage
import Testing

/// Statements, arguments, rows and the errors of single transactions.
@Suite struct TransactionTests {
    let folder = ScratchFolder()

    private func withDatabase(_ body: (Database) async throws -> Void) async throws {
        let database = try Database.open(directory: folder.path, migrations: [fruit])
        try await body(database)
        database.close()
    }

    @Test func everyTypeComesBackAsItWas() async throws {
        try await withDatabase { database in
            let seal: [UInt8] = [0, 1, 255]
            try await database.write {
                try $0.execute(
                    "INSERT INTO fruit VALUES ($1, $2, $3, $4)",
                    ["苹果 'xy'", .integer(.max), .real(0.1), .bytes(seal)])
                try $0.execute("INSERT INTO fruit VALUES ($1, $2, $3, $4)", ["b", nil, nil, nil])
            }
            let rows = try await database.read {
                try $0.rows("SELECT * FROM fruit ORDER BY name DESC") { row in
                    "\(try row.text(0)) \(String(describing: try row.integerOrNil(1))) "
                        + "\(String(describing: try row.realOrNil(2))) \(String(describing: try row.bytesOrNil(3)))"
                }
            }
            #expect(rows == [
                "苹果 'xy' Optional(\(Int.max)) Optional(0.1) Optional([0, 1, 255])", "b nil nil nil",
            ])
        }
    }

    /// What is read because of what was read follows on the same thread, and sees at least what came before.
    @Test func aReadAfterARead() async throws {
        try await withDatabase { database in
            for weight in 1...200 {
                let (first, second): (UInt, UInt) = try await withCheckedThrowingContinuation { continuation in
                    database.read { _ in UInt(pthread_self()) } completion: { first in
                        database.read { _ in UInt(pthread_self()) } completion: { second in
                            continuation.resume(with: Result { (try first.get(), try second.get()) })
                        }
                    }
                }
                #expect(first == second)
                try await database.write {
                    try $0.execute(
                        "INSERT INTO fruit (name, weight) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET weight = $2",
                        ["plum", .integer(weight)])
                }
                let found = try await database.read { try $0.first("SELECT weight FROM fruit") { try $0.integer(0) } }
                #expect(found == weight)
            }
        }
    }

    @Test func emptyBytesAndTextAreNotNull() async throws {
        try await withDatabase { database in
            let empty = try await database.write {
                try $0.first("INSERT INTO fruit (name, seal) VALUES ($1, $2) RETURNING name, seal", ["", .bytes([])]) {
                    (try $0.text(0), try $0.bytes(1))
                }
            }
            #expect(empty?.0 == "")
            #expect(empty?.1 == [])
        }
    }

    @Test func aParameterMayBeUsedTwice() async throws {
        try await withDatabase { database in
            try await database.write {
                try $0.execute(
                    """
                    INSERT INTO fruit (name, weight) VALUES ($1, $2) \
                    ON CONFLICT (name) DO UPDATE SET weight = $2
                    """, ["plum", 3])
            }
            let found = try await database.read {
                try $0.first("SELECT $1 || name, weight FROM fruit WHERE name = $2 AND weight = $3 AND name = $2",
                    ["a ", "plum", 3]) { try $0.text(0) }
            }
            #expect(found == "a plum")
        }
    }

    @Test func executeCountsChangedRows() async throws {
        try await withDatabase { database in
            let counts = try await database.write {
                [
                    try $0.execute("INSERT INTO fruit (name) VALUES ('a'), ('b'), ('c')"),
                    try $0.execute("UPDATE fruit SET weight = 1 WHERE name <> 'a'"),
                    try $0.execute("DELETE FROM fruit WHERE name = 'none'"),
                    try $0.execute("INSERT INTO fruit (name) VALUES ('a') ON CONFLICT DO NOTHING"),
                ]
            }
            #expect(counts == [3, 2, 0, 0])
        }
    }

    @Test func firstOfAChangingStatementRunsItToItsEnd() async throws {
        try await withDatabase { database in
            let first = try await database.write {
                try $0.first("INSERT INTO fruit (name) VALUES ('a'), ('b'), ('c') RETURNING name") { try $0.text(0) }
            }
            #expect(first == "a")
            #expect(try await database.read { try $0.fruits() } == ["a", "b", "c"])
            #expect(try await database.read { try $0.first("SELECT 1 WHERE 1 = 2") { try $0.integer(0) } } == nil)
        }
    }

    @Test func theSameStatementMayRunInsideItself() async throws {
        try await withDatabase { database in
            let pairs = try await database.write { transaction in
                try transaction.execute("INSERT INTO fruit (name) VALUES ('a'), ('b')")
                return try transaction.rows("SELECT name FROM fruit ORDER BY name") { row in
                    let outer = try row.text(0)
                    return try transaction.rows("SELECT name FROM fruit ORDER BY name") { try outer + $0.text(0) }
                }
            }
            #expect(pairs == [["aa", "ab"], ["ba", "bb"]])
        }
    }

    @Test func constraintsAreTold() async throws {
        try await withDatabase { database in
            func constraint(_ sql: String) async -> StorageError.Constraint? {
                do throws(StorageError) {
                    try await database.write { _ = try $0.execute(sql) }
                } catch {
                    if case .constraint(let constraint, _) = error { return constraint }
                }
                return nil
            }
            #expect(await constraint("INSERT INTO fruit (name) VALUES ('a')") == nil)
            #expect(await constraint("INSERT INTO fruit (name) VALUES ('a')") == .unique)
            #expect(await constraint("INSERT INTO fruit (name) VALUES (NULL)") == .notNull)
            #expect(await constraint("INSERT INTO basket VALUES ('me', 'unheard of')") == .foreignKey)
        }
    }

    @Test func wrongStatementsAndColumnsAreErrorsAndNoTraps() async throws {
        try await withDatabase { database in
            func isStatementError(_ body: @escaping @Sendable (Transaction) throws -> Void) async -> Bool {
                do throws(StorageError) {
                    try await database.write(body)
                } catch {
                    if case .statement = error { return true }
                }
                return false
            }
            #expect(await isStatementError { try $0.execute("INSERT INTO nowhere VALUES (1)") })
            #expect(await isStatementError { try $0.execute("INSERT INTO fruit (name) VALUES ($1)", []) })
            #expect(await isStatementError { try $0.execute("INSERT INTO fruit (name) VALUES ($1)", ["a", "b"]) })
            #expect(await isStatementError { try $0.execute("INSERT INTO fruit (name) VALUES (?)", ["a"]) })
            #expect(await isStatementError { try $0.execute("INSERT INTO fruit VALUES ($2, $1, 0, 0)", [1, "a"]) })
            #expect(await isStatementError { _ = try $0.first("SELECT 1") { try $0.integer(1) } })
            #expect(await isStatementError { _ = try $0.first("SELECT 1") { try $0.text(0) } })
            #expect(await isStatementError { _ = try $0.first("SELECT NULL") { try $0.bytes(0) } })
            #expect(await isStatementError { try $0.execute("COMMIT") })
            let kept = try await database.read { try $0.fruits() }
            #expect(kept == [])
        }
    }

    @Test func readersCannotWrite() async throws {
        try await withDatabase { database in
            await #expect(throws: StorageError.self) { try await database.read { try $0.addFruit("a") } }
            let kept = try await database.read { try $0.fruits() }
            #expect(kept == [])
        }
    }

    @Test func aReadSeesOneStateThroughout() async throws {
        try await withDatabase { database in
            try await database.write { try $0.addFruit("a") }
            let counts = try await database.read { transaction in
                let before = try transaction.fruits().count
                let done = Signal()
                database.write({ try $0.addFruit("b") }, completion: { _ in done.set() })
                done.wait()
                return [before, try transaction.fruits().count]
            }
            #expect(counts == [1, 1])
            #expect(try await database.read { try $0.fruits() } == ["a", "b"])
        }
    }

    @Test func manyReadsShareFewReaders() async throws {
        try await withDatabase { database in
            try await database.write { try $0.addFruit("a") }
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<500 {
                    group.addTask { try await database.read { try $0.fruits().count } }
                }
                for try await count in group { #expect(count == 1) }
            }
        }
    }

    @Test func afterCloseEverythingIsRefused() async throws {
        let database = try Database.open(directory: folder.path, migrations: [fruit])
        database.close()
        database.close()
        await #expect(throws: StorageError.self) { try await database.read { try $0.fruits() } }
        await #expect(throws: StorageError.self) { try await database.write { try $0.addFruit("a") } }
        #expect(throws: StorageError.self) { try database.writerPragma("synchronous") }
    }
}
