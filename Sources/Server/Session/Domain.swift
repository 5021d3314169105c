package import Accounts
internal import Synchronization
internal import TLS
package import XMPP

/// A domain that the server serves: its accounts, wherever they are kept.
package final class Domain: Sendable {
    package let jid: JID
    /// The accounts that are kept in the server's own database, if the domain has such.
    package let local: LocalAccounts?
    private let credentials: Credentials
    private let otherHost: Mutex<OtherHost?>
    /// Whether every account is in the server's own database. If so, every account has SCRAM keys: a client that is
    /// offered SCRAM uses it, and one whose account is in a directory could then never log in.
    let isLocal: Bool
    /// The tokens of the accounts' devices; nil where there are none. Only where the server knows of every change of a
    /// password can they end with it.
    let tokens: DeviceTokens?

    /// How long account sources may take to answer.
    private static let patience = Duration.seconds(10)

    /// - Parameter tokens: makes those of the accounts.
    init(
        jid: JID, credentials: Credentials, movedTo: OtherHost? = nil,
        tokens: (LocalAccounts) -> DeviceTokens? = { _ in nil }
    ) {
        self.jid = jid
        otherHost = Mutex(movedTo)
        self.credentials = credentials
        local = credentials.sources.lazy.compactMap { $0 as? LocalAccounts }.first
        isLocal = credentials.sources.allSatisfy { $0 is LocalAccounts }
        self.tokens = isLocal ? local.flatMap(tokens) : nil
    }

    /// Where the domain's clients are to connect to instead; can change while the server runs.
    var movedTo: OtherHost? {
        get { otherHost.withLock { $0 } }
        set { otherHost.withLock { $0 = newValue } }
    }

    /// Whether an account exists and may be used.
    /// - Parameter user: a prepared localpart.
    func existence(of user: String) async -> Existence {
        await credentials.existence(of: user, deadline: .now + Self.patience)
    }

    /// The address of the account that a user name means, as it was sent; nil if there can be none.
    func account(_ user: String) -> JID? {
        try? JID(local: user, of: jid)
    }

    /// The SCRAM keys of a user name as it was sent. For unknown ones there are keys as well, which nothing fits.
    func scramKeys(user: String, hash: ScramHash.Name) async -> ScramLookup {
        switch await credentials.scramKeys(user: account(user)?.local ?? user, hash: Hash(hash)) {
        case .account(let keys, let refusal, _): .found(keys, refusal: refusal.map(SASLFailure.init))
        case .decoy(let keys): .found(keys)
        case .unavailable(let reason): .failed(reason)
        }
    }

    /// Checks a password, both as they were sent.
    func check(password: String, user: String) async -> PasswordVerdict {
        let name = account(user)?.local ?? user
        switch await credentials.verify(password: password, user: name, deadline: .now + Self.patience) {
        case .accepted: return .right
        case .rejected: return .wrong
        case .refused(let refusal, _): return .refused(SASLFailure(refusal))
        case .unavailable(let reason): return .refused(SASLFailure(.temporaryAuthFailure, reason))
        }
    }
}

extension SASLFailure {
    /// RFC 6120 §6.5; told only to those who know the password.
    init(_ refusal: AccountRefusal) {
        switch refusal {
        case .disabled, .expired, .locked: self.init(.accountDisabled, "\(refusal)")
        case .passwordExpired: self.init(.credentialsExpired, "\(refusal)")
        case .notAllowed: self.init(.notAuthorized, "\(refusal)")
        }
    }
}
