internal import GRDB

extension StorageError {
    /// What an error of SQLite means here.
    init(sqlite error: any Error, file: String) {
        if let error = error as? StorageError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self = .thrown(error)
            return
        }
        let message = error.message ?? "error \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_CONSTRAINT:
            self = .constraint(Constraint(error.extendedResultCode), message)
        case .SQLITE_FULL:
            self = .full("\(file): no space left")
        case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_SHMSIZE:
            self = .full("\(file): no space left for the index of the write-ahead log")
        case .SQLITE_IOERR:
            self = .io("\(file): \(message) (SQLite code \(error.extendedResultCode.rawValue))")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self = .corrupt("\(file): \(message); restore it from a backup")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self = .busy("\(file): another process has held its lock for too long; stop that process or try again")
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
            self = .unusable("\(file): \(message); give the file and its directory to the user this server runs as")
        case .SQLITE_NOMEM:
            self = .io("\(file): out of memory")
        default:
            self = .statement(message + (error.sql.map { " in \($0)" } ?? ""))
        }
    }
}

extension StorageError.Constraint {
    init(_ code: ResultCode) {
        switch code {
        case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY, .SQLITE_CONSTRAINT_ROWID: self = .unique
        case .SQLITE_CONSTRAINT_FOREIGNKEY: self = .foreignKey
        case .SQLITE_CONSTRAINT_NOTNULL: self = .notNull
        case .SQLITE_CONSTRAINT_CHECK: self = .check
        default: self = .other
        }
    }
}
