internal import Accounts
internal import Storage
internal import TLS
internal import XMPP

extension Domain {
    /// The hash functions for which there are SCRAM keys.
    /// - Parameter account: whom a client claims to be, which changes what it is offered only if the account's keys are old
    ///   (XEP-0388 §2.1).
    func hashes(of account: JID?) -> Set<ScramHash.Name> {
        guard isLocal, let local else { return [] }
        let hashes = local.hashes(of: account?.local)
        return hashes.count == ScramHash.Name.allCases.count
            ? Self.allHashes : Self.allHashes.filter { hashes.contains(Hash($0)) }
    }

    private static let allHashes = Set(ScramHash.Name.allCases)

    /// Keeps keys that a client has made of its password (XEP-0480), the user name as it was sent.
    /// - Returns: why they cannot be kept.
    func add(_ keys: ScramKeys, for hash: ScramHash.Name, user: String) async -> SASLFailure? {
        guard let local, let name = account(user)?.local else {
            return SASLFailure(.temporaryAuthFailure, "the account's keys are kept elsewhere")
        }
        do throws(AccountError) {
            try await local.add(keys, for: Hash(hash), of: name)
            return nil
        } catch {
            return SASLFailure(.temporaryAuthFailure, "\(error)")
        }
    }

    /// What tokens of a user depend on, the name as it was sent.
    func passwordRevision(of user: String) async -> Int? {
        await tokens?.passwordRevision(of: account(user)?.local ?? user)
    }

    /// What came of a token.
    struct TokenOutcome: Sendable {
        let verdict: TokenVerdict
        let passwordRevision: Int?
    }

    /// Checks a token (XEP-0484 §3.4), the user name as it was sent.
    /// - Parameter now: milliseconds since 1970.
    func use(_ use: DeviceTokens.Use, user: String, now: Int) async -> TokenOutcome {
        let outcome = await tokens?.use(use, user: account(user)?.local ?? user, now: now) ?? .rejected
        let refusal: SASLFailure
        switch outcome {
        case .accepted(let proof, let isDue, let revision):
            return TokenOutcome(verdict: .right(proof: proof, isDue: isDue), passwordRevision: revision)
        case .rejected: refusal = SASLFailure(.notAuthorized, "no such token")
        // §4.2
        case .expired: refusal = SASLFailure(.credentialsExpired, "the token has ended")
        case .refused(let reason): refusal = SASLFailure(reason)
        case .unavailable(let reason): refusal = SASLFailure(.temporaryAuthFailure, reason)
        }
        return TokenOutcome(verdict: .refused(refusal), passwordRevision: nil)
    }

    /// Makes a token for a device of somebody who has proved who they are (XEP-0484 §3.3).
    /// - Parameter now: milliseconds since 1970.
    /// - Returns: nil if it cannot be made; the client goes on without.
    func issueToken(
        for account: JID, device: String, mechanism: String, passwordRevision: Int?, now: Int
    ) async -> DeviceTokens.Token? {
        guard let user = account.local, let passwordRevision else { return nil }
        do throws(StorageError) {
            return try await tokens?.issue(
                for: user, device: device, mechanism: mechanism, passwordRevision: passwordRevision, now: now)
        } catch {
            return nil
        }
    }
}
