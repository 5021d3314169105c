package import TLS
package import XMPP

/// Where the accounts of a domain are kept: one source of a domain's ordered list (local database, directory).
///
/// Methods may be called from any thread and many at a time.
package protocol AccountSource: Sendable {
    /// Name for logs and configuration, e.g. "local" or the directory's name.
    var name: String { get }
    /// Checks `password` (UTF-8, already prepared) of the account with prepared localpart `user`.
    func verify(password: [UInt8], user: String, deadline: ContinuousClock.Instant) async -> PasswordCheck
    /// The stored SCRAM keys, if this source keeps such (a directory does not).
    func scramKeys(user: String, hash: Hash) async -> KeyLookup
    /// Whether the account exists and may be used.
    func existence(of user: String, deadline: ContinuousClock.Instant) async -> Existence
}

/// What a source says of a password.
package enum PasswordCheck: Sendable, Equatable {
    case accepted
    case rejected
    /// No such account here: the next source is asked.
    case unknown
    /// The password is right, but the account may not be used.
    case refused(AccountRefusal)
    /// The source cannot be asked; the text is for the log.
    case unavailable(String)
}

/// Why an account may not be used although the password is right.
package enum AccountRefusal: Sendable, Equatable {
    case disabled, expired, locked, passwordExpired, notAllowed
}

/// What a source says when asked for SCRAM keys.
package enum KeyLookup: Sendable, Equatable {
    case keys(ScramKeys)
    /// The account may not be used. Only those who prove with the keys that they know the password are told so.
    case refused(ScramKeys, AccountRefusal)
    /// The account exists but has no keys for this hash.
    case none
    /// No such account here: the next source is asked.
    case unknown
    /// The source cannot be asked; the text is for the log.
    case unavailable(String)
}

/// Whether an account exists and may be used.
package enum Existence: Sendable, Equatable {
    case exists, unknown
    case unavailable(String)
}
