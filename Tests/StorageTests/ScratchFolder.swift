import Foundation
import Storage

/// A folder of a test's own that goes when the test ends.
final class ScratchFolder: Sendable {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "storage-tests-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func bytes(of name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    func write(_ bytes: Data, to name: String) throws {
        try bytes.write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
}

/// The schema that most tests use.
let fruit = Migration(
    name: "fruit-1",
    sql: [
        "CREATE TABLE fruit (name TEXT NOT NULL PRIMARY KEY, weight BIGINT, price DOUBLE PRECISION, seal BYTEA)",
        "CREATE TABLE basket (owner TEXT NOT NULL PRIMARY KEY, fruit TEXT NOT NULL REFERENCES fruit (name))",
    ])

extension Transaction {
    func addFruit(_ name: String, weight: Int? = nil) throws {
        try execute("INSERT INTO fruit (name, weight) VALUES ($1, $2)", [.text(name), SQLValue(weight)])
    }

    func fruits() throws -> [String] {
        try rows("SELECT name FROM fruit ORDER BY name") { try $0.text(0) }
    }
}

/// What a test throws from inside a transaction.
struct Refusal: Error, Equatable {
    let reason: String
}
