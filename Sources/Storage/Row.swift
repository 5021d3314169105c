internal import GRDBSQLite

/// One row of a result, valid while the closure that received it runs.
///
/// Columns count from 0 in the order of the statement's select list. A column that is absent, NULL or of
/// another type makes the getter throw; the getters ending in `OrNil` give `nil` for NULL.
package struct Row: ~Copyable {
    /// A statement that has just given a row.
    private let statement: OpaquePointer

    init(_ statement: OpaquePointer) {
        self.statement = statement
    }

    package func isNull(_ column: Int) throws(StorageError) -> Bool {
        try type(column) == SQLITE_NULL
    }

    package func integerOrNil(_ column: Int) throws(StorageError) -> Int? {
        switch try type(column) {
        case SQLITE_NULL: nil
        case SQLITE_INTEGER: Int(sqlite3_column_int64(statement, CInt(column)))
        default: throw mismatch(column, "an integer")
        }
    }

    package func realOrNil(_ column: Int) throws(StorageError) -> Double? {
        switch try type(column) {
        case SQLITE_NULL: nil
        case SQLITE_FLOAT, SQLITE_INTEGER: sqlite3_column_double(statement, CInt(column))
        default: throw mismatch(column, "a number")
        }
    }

    package func textOrNil(_ column: Int) throws(StorageError) -> String? {
        switch try type(column) {
        case SQLITE_NULL: return nil
        case SQLITE_TEXT:
            let start = sqlite3_column_text(statement, CInt(column))
            let count = Int(sqlite3_column_bytes(statement, CInt(column)))
            return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
        default: throw mismatch(column, "text")
        }
    }

    package func bytesOrNil(_ column: Int) throws(StorageError) -> [UInt8]? {
        switch try type(column) {
        case SQLITE_NULL: nil
        case SQLITE_BLOB: Array(blob(column))
        default: throw mismatch(column, "bytes")
        }
    }

    package func integer(_ column: Int) throws(StorageError) -> Int {
        guard let value = try integerOrNil(column) else { throw mismatch(column, "an integer") }
        return value
    }

    package func real(_ column: Int) throws(StorageError) -> Double {
        guard let value = try realOrNil(column) else { throw mismatch(column, "a number") }
        return value
    }

    package func text(_ column: Int) throws(StorageError) -> String {
        guard let value = try textOrNil(column) else { throw mismatch(column, "text") }
        return value
    }

    package func bytes(_ column: Int) throws(StorageError) -> [UInt8] {
        guard let value = try bytesOrNil(column) else { throw mismatch(column, "bytes") }
        return value
    }

    /// An integer column read as a truth value.
    package func flag(_ column: Int) throws(StorageError) -> Bool {
        try integer(column) != 0
    }

    /// The bytes where they are, valid during the call.
    package func withBytes<Result>(
        _ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard try type(column) == SQLITE_BLOB else { throw mismatch(column, "bytes") }
        return try body(blob(column))
    }

    /// Valid until the statement goes on.
    private func blob(_ column: Int) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(statement, CInt(column))
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, CInt(column))))
    }

    private func type(_ column: Int) throws(StorageError) -> CInt {
        guard column >= 0, column < Int(sqlite3_column_count(statement)) else { throw mismatch(column, "a column") }
        return sqlite3_column_type(statement, CInt(column))
    }

    private func mismatch(_ column: Int, _ wanted: String) -> StorageError {
        .statement("column \(column) of a row is not \(wanted)")
    }
}
