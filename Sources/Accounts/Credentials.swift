package import TLS
package import XMPP

/// Who may log in at one domain: asks its account sources in order.
///
/// The first source that knows an account decides. A source that cannot be asked is passed over, and if none of the
/// others knows the account the answer is "unavailable", never "wrong": a directory that is down must not make
/// clients forget their passwords. A stranger learns nothing about which accounts exist: unknown ones cost the same
/// work and show keys like any other. (With a directory among the sources the time it takes to answer adds to that.)
package struct Credentials: Sendable {
    /// What came of a password.
    package enum Verdict: Sendable, Equatable {
        case accepted(source: String)
        /// Wrong password or no such account.
        case rejected
        /// Right password, but the account may not be used.
        case refused(AccountRefusal, source: String)
        /// The texts of the sources that could not be asked, for the log.
        case unavailable(String)
    }

    /// What SCRAM is to be run with.
    package enum Keys: Sendable, Equatable {
        /// When the proof is right, the client is logged in, or told the refusal.
        case account(ScramKeys, refusal: AccountRefusal?, source: String)
        /// No such account, or none with keys for this hash: SCRAM is run to its end and fails.
        case decoy(ScramKeys)
        case unavailable(String)
    }

    package let domain: String
    package let sources: [any AccountSource]
    private let decoy: Decoy
    private let hashing: PasswordHashing
    private let preparePassword: @Sendable (String) throws -> String

    /// - Parameter preparePassword: as for `LocalAccounts`.
    package init(
        domain: String, sources: [any AccountSource], decoy: Decoy, hashing: PasswordHashing,
        preparePassword: @escaping @Sendable (String) throws -> String
    ) {
        self.domain = domain
        self.sources = sources
        self.decoy = decoy
        self.hashing = hashing
        self.preparePassword = preparePassword
    }

    /// Checks a password that a client sent, as it was sent.
    ///
    /// - Parameter user: prepared; a name that cannot be prepared is given as it is, no source knows it.
    package func verify(password: String, user: String, deadline: ContinuousClock.Instant) async -> Verdict {
        // Before anything else: a directory takes a bind with an empty password for an anonymous one and lets it in.
        guard let prepared = try? Array(preparePassword(password).utf8), !prepared.isEmpty else { return .rejected }
        var unavailable: [String] = []
        for source in sources {
            switch await source.verify(password: prepared, user: user, deadline: deadline) {
            case .accepted: return .accepted(source: source.name)
            case .rejected: return .rejected
            case .refused(let refusal): return .refused(refusal, source: source.name)
            case .unknown: continue
            case .unavailable(let reason): unavailable.append("\(source.name): \(reason)")
            }
        }
        guard unavailable.isEmpty else { return .unavailable(unavailable.joined(separator: "; ")) }
        let hash = decoy.parameters.verifying
        let keys = decoy.keys(user: user, domain: domain, hash: hash)
        do {
            _ = try await hashing.saltedPassword(
                prepared, salt: keys.salt, iterations: keys.iterations, hash: hash, deadline: deadline)
            return .rejected
        } catch {
            return .unavailable("local: \(error)")
        }
    }

    /// The keys to run SCRAM with.
    ///
    /// - Parameter user: as for `verify`.
    package func scramKeys(user: String, hash: Hash) async -> Keys {
        var unavailable: [String] = []
        search: for source in sources {
            switch await source.scramKeys(user: user, hash: hash) {
            case .keys(let keys): return .account(keys, refusal: nil, source: source.name)
            case .refused(let keys, let refusal): return .account(keys, refusal: refusal, source: source.name)
            // The account is this source's: another one of the same name further down is somebody else's.
            case .none: break search
            case .unknown: continue
            case .unavailable(let reason): unavailable.append("\(source.name): \(reason)")
            }
        }
        guard unavailable.isEmpty else { return .unavailable(unavailable.joined(separator: "; ")) }
        return .decoy(decoy.keys(user: user, domain: domain, hash: hash))
    }

    /// Whether an account exists and may be used.
    ///
    /// - Parameter user: prepared.
    package func existence(of user: String, deadline: ContinuousClock.Instant) async -> Existence {
        var unavailable: [String] = []
        for source in sources {
            switch await source.existence(of: user, deadline: deadline) {
            case .exists: return .exists
            case .unknown: continue
            case .unavailable(let reason): unavailable.append("\(source.name): \(reason)")
            }
        }
        return unavailable.isEmpty ? .unknown : .unavailable(unavailable.joined(separator: "; "))
    }
}
