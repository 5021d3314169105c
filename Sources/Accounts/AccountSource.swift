package import TLS

/// Where the accounts of a domain are kept: one source of a domain's ordered list (local database, directory).
package protocol AccountSource: Sendable {
    /// Name for logs and configuration, e.g. "local" or the directory's name.
    var name: String { get }
    /// Checks `password` (UTF-8, already prepared) of the account with prepared localpart `user`.
    func verify(password: [UInt8], user: String, deadline: ContinuousClock.Instant) async -> PasswordVerdict
    /// The stored SCRAM keys, if this source keeps such (a directory does not).
    func scramKeys(user: String, hash: Hash) async -> KeyLookup
    /// Whether the account exists and may be used.
    func existence(of user: String, deadline: ContinuousClock.Instant) async -> Existence
}

package enum PasswordVerdict: Sendable, Equatable {
    case accepted, rejected, unknown
    /// The password is right, but the account may not be used.
    case refused(AccountRefusal)
    case unavailable(String)
}

package enum AccountRefusal: Sendable, Equatable { case disabled, expired, locked, passwordExpired, notAllowed }

package enum KeyLookup: Sendable, Equatable {
    case keys(ScramKeys)
    /// The account exists but has no keys for this hash.
    case none
    case unknown
    case unavailable(String)
}

package enum Existence: Sendable, Equatable {
    case exists, unknown
    case unavailable(String)
}

package struct ScramKeys: Sendable, Equatable {
    package var salt: [UInt8]
    package var iterations: Int
    package var storedKey: [UInt8]
    package var serverKey: [UInt8]
}
