internal import Accounts
internal import TLS
package import XMPP

/// A domain that the server serves: its accounts, wherever they are kept.
package final class Domain: Sendable {
    package let jid: JID
    private let credentials: Credentials
    /// Whether every account has SCRAM keys. A client that is offered SCRAM uses it, and whose account is in a
    /// directory could then never log in.
    let hasScramKeys: Bool

    init(jid: JID, credentials: Credentials, hasScramKeys: Bool) {
        self.jid = jid
        self.credentials = credentials
        self.hasScramKeys = hasScramKeys
    }

    func existence(of user: String) async -> Existence { await credentials.existence(of: user) }

    /// The SCRAM keys for a user name as it was sent.
    func scramKeys(user: String, hash: ScramHash.Name, address: IPAddress?) async -> ScramLookup {
        guard let prepared = prepared(user) else { return .unknown(account: user) }
        switch await credentials.scramKeys(user: prepared, hash: Hash(hash)) {
        case .keys(let keys):
            return .found(
                XMPP.ScramKeys(
                    salt: keys.salt, iterations: keys.iterations, storedKey: keys.storedKey, serverKey: keys.serverKey))
        case .none, .unknown: return .unknown(account: prepared)
        case .unavailable(let reason): return .failed(reason)
        }
    }

    /// Checks a password for a user name, both as they were sent.
    func check(password: String, user: String, address: IPAddress?) async -> XMPP.PasswordVerdict {
        guard let user = prepared(user) else { return .wrong }
        switch await credentials.verify(password: Array(password.utf8), user: user) {
        case .accepted: return .right
        case .rejected, .unknown: return .wrong
        case .refused(let refusal): return .refused(SASLFailure(.notAuthorized, "\(refusal)"))
        case .unavailable(let reason): return .refused(SASLFailure(.temporaryAuthFailure, reason))
        }
    }

    private func prepared(_ user: String) -> String? {
        (try? JID(local: user, domain: jid.domain, resource: nil))?.local
    }
}
