/// Why the storage could not do what it was asked to.
///
/// Descriptions are one line each and meant for the log; nothing of them goes to a peer.
package enum StorageError: Error, Sendable {
    /// The data directory or a file in it cannot be created, read or written.
    case unusable(String)
    /// Another server process works on the same data.
    case inUse(String)
    /// The data were written by a newer version: a migration was applied that this version does not know.
    case newerSchema(String)
    /// The file is no database or is damaged.
    case corrupt(String)
    /// Another process held the write lock for longer than the busy timeout.
    case busy(String)
    /// No space is left. Nothing of the transaction was kept; the next one is tried anew.
    case full(String)
    /// Reading or writing failed. After a failed commit it is unknown until the next start whether it was kept.
    case io(String)
    /// The data do not permit the change.
    case constraint(Constraint, String)
    /// The statement or its use is wrong: a defect of the program or of its migrations.
    case statement(String)
    /// Too much waits already; nothing was tried.
    case overloaded
    /// The database was closed.
    case closed
    /// What the body of a transaction threw, unless that was a `StorageError`; the transaction left no trace.
    case thrown(any Error)

    /// The kind of rule that a change broke.
    package enum Constraint: Sendable, Equatable {
        case unique, foreignKey, notNull, check, other
    }
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unusable(let text), .inUse(let text), .newerSchema(let text), .corrupt(let text), .busy(let text),
            .full(let text), .io(let text), .statement(let text):
            text
        case .constraint(let constraint, let text): "\(constraint) constraint: \(text)"
        case .overloaded: "too many transactions wait for the database"
        case .closed: "the database is closed"
        case .thrown(let error): "\(error)"
        }
    }
}
