package import Storage

/// A local account, without its keys.
package struct Account: Sendable, Equatable {
    package let localpart: String
    package var isAdministrator: Bool
    /// Knows its password but may not log in.
    package var isDisabled: Bool
    /// Seconds since 1970.
    package let created: Int
    /// The revision of the domain's accounts with which the password was set last; 0 for the first one.
    package var passwordRevision = 0
}

extension Account {
    /// What `init` reads, in that order.
    static let columns = "localpart, administrator, disabled, created, password_revision"

    init(_ row: borrowing Row) throws(StorageError) {
        localpart = try row.text(0)
        isAdministrator = try row.flag(1)
        isDisabled = try row.flag(2)
        created = try row.integer(3)
        passwordRevision = try row.integer(4)
    }
}

/// Why an account could not be made or changed, in a line for the administrator.
package enum AccountError: Error, Sendable, CustomStringConvertible {
    case exists
    case unknown
    /// Empty, or with characters that passwords may not have.
    case password(String)
    case hashing(PasswordHashing.Refusal)
    case storage(StorageError)

    package var description: String {
        switch self {
        case .exists: "the account exists already"
        case .unknown: "there is no such account"
        case .password(let reason): "this cannot be a password: \(reason)"
        case .hashing(let refusal): "\(refusal)"
        case .storage(let error): "\(error)"
        }
    }
}
