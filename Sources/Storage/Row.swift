internal import Foundation
internal import GRDB

/// One row of a result, valid while the closure that received it runs.
///
/// Columns count from 0 in the order of the statement's select list. A column that is absent, NULL or of
/// another type makes the getter throw; the getters ending in `OrNil` give `nil` for NULL.
package struct Row: ~Copyable {
    private let row: GRDB.Row

    init(_ row: GRDB.Row) {
        self.row = row
    }

    package func isNull(_ column: Int) throws(StorageError) -> Bool {
        try value(column).isNull
    }

    package func integerOrNil(_ column: Int) throws(StorageError) -> Int? {
        switch try value(column).storage {
        case .null: nil
        case .int64(let value): Int(value)
        case .double, .string, .blob: throw mismatch(column, "an integer")
        }
    }

    package func realOrNil(_ column: Int) throws(StorageError) -> Double? {
        switch try value(column).storage {
        case .null: nil
        case .double(let value): value
        case .int64(let value): Double(value)
        case .string, .blob: throw mismatch(column, "a number")
        }
    }

    package func textOrNil(_ column: Int) throws(StorageError) -> String? {
        switch try value(column).storage {
        case .null: nil
        case .string(let value): value
        case .int64, .double, .blob: throw mismatch(column, "text")
        }
    }

    package func bytesOrNil(_ column: Int) throws(StorageError) -> [UInt8]? {
        switch try value(column).storage {
        case .null: nil
        case .blob(let value): Array(value)
        case .int64, .double, .string: throw mismatch(column, "bytes")
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

    private func value(_ column: Int) throws(StorageError) -> DatabaseValue {
        guard column >= 0, column < row.count else { throw mismatch(column, "a column") }
        return row[column]
    }

    private func mismatch(_ column: Int, _ wanted: String) -> StorageError {
        .statement("column \(column) of a row is not \(wanted)")
    }
}
