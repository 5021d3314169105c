package import Storage
internal import Synchronization
package import TLS
internal import XMPP

/// The accounts of one domain that are kept in the server's own database: as keys, never as passwords.
///
/// Instances for the same database in other processes (`martlet user …` beside the server) see each other's changes
/// at once, for every question reads the account anew.
package final class LocalAccounts: AccountSource {
    package let name = "local"
    let domain: String
    let database: Database
    let hashing: PasswordHashing
    let parameters: KeyParameters
    let preparePassword: @Sendable (String) throws -> String
    let oldKeys = OldKeys()
    let allHashes: Set<Hash>
    private let verified = VerifiedPasswords()
    private let loginObserver = Mutex<LoginObserver?>(nil)

    /// - Parameters:
    ///   - domain: prepared.
    ///   - database: opened with `AccountTables.migrations`.
    ///   - preparePassword: what is done to passwords before they are hashed (RFC 8265 OpaqueString); throws for
    ///     those that cannot be one.
    package init(
        domain: String, database: Database, hashing: PasswordHashing, parameters: KeyParameters = KeyParameters(),
        preparePassword: @escaping @Sendable (String) throws -> String
    ) {
        self.domain = domain
        self.database = database
        self.hashing = hashing
        self.parameters = parameters
        allHashes = Set(parameters.hashes)
        self.preparePassword = preparePassword
    }

    /// Has `body` told of each account that somebody is logging in to, by its localpart and on a thread of the
    /// database: who goes on to read what belongs to the account there need not wake another one.
    package func onLogin(_ body: @escaping @Sendable (_ localpart: String) -> Void) {
        loginObserver.withLock { $0 = LoginObserver(tell: body) }
    }

    package func verify(
        password: [UInt8], user: String, deadline: ContinuousClock.Instant
    ) async -> PasswordCheck {
        do {
            guard let (account, keys) = try await find(user) else { return .unknown }
            guard !password.isEmpty, let hash = KeyParameters.preference.first(where: { keys[$0] != nil }),
                let keys = keys[hash], try await matches(password, keys, hash, user: user, deadline: deadline)
            else { return .rejected }
            return account.isDisabled ? .refused(.disabled) : .accepted
        } catch {
            return .unavailable("\(error)")
        }
    }

    package func scramKeys(user: String, hash: Hash) async -> KeyLookup {
        do throws(StorageError) {
            guard let (account, keys) = try await find(user) else { return .unknown }
            guard let keys = keys[hash] else { return .none }
            return account.isDisabled ? .refused(keys, .disabled) : .keys(keys)
        } catch {
            return .unavailable("\(error)")
        }
    }

    package func existence(of user: String, deadline: ContinuousClock.Instant) async -> Existence {
        do throws(StorageError) {
            guard let account = try await account(user), !account.isDisabled else { return .unknown }
            return .exists
        } catch {
            return .unavailable("\(error)")
        }
    }

    /// The account with this prepared localpart, disabled or not.
    package func account(_ localpart: String) async throws(StorageError) -> Account? {
        try await database.read { [domain] in try $0.account(localpart, of: domain) }
    }

    private func find(_ user: String) async throws(StorageError) -> (Account, [Hash: ScramKeys])? {
        try await withCheckedContinuation { continuation in
            database.read { [domain] transaction -> (Account, [Hash: ScramKeys])? in
                guard let account = try transaction.account(user, of: domain) else { return nil }
                return (account, try transaction.keys(of: user, domain: domain))
            } completion: { [self] result in
                continuation.resume(returning: result)
                // Only now: what is done for accounts that exist must not show in the time of the answer.
                if case .success((let account, _)?) = result, !account.isDisabled {
                    loginObserver.withLock { $0 }?.tell(user)
                }
            }
        }.get()
    }

    private func matches(
        _ password: [UInt8], _ keys: ScramKeys, _ hash: Hash, user: String, deadline: ContinuousClock.Instant
    ) async throws(PasswordHashing.Refusal) -> Bool {
        let tag = verified.tag(user: user, domain: domain, keys: keys, password: password)
        if verified.contains(tag) { return true }
        // A damaged row must not stop the process.
        guard keys.iterations > 0 else { return false }
        let salted = try await hashing.saltedPassword(
            password, salt: keys.salt, iterations: keys.iterations, hash: hash, deadline: deadline)
        let storedKey = ScramKeys.storedKey(saltedPassword: salted, hash: hash)
        guard constantTimeEqual(storedKey, keys.storedKey) else { return false }
        verified.insert(tag)
        return true
    }
}

/// Who wants to know of accounts that somebody is logging in to. A type of its own, for a function that is kept in
/// what is generic, as a lock is, gets slower with every time it is taken out.
private struct LoginObserver: Sendable {
    let tell: @Sendable (_ localpart: String) -> Void
}
