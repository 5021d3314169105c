internal import Accounts
internal import Logging
package import XMPP

/// What users may do to accounts of the server's own database; the refusals can be answered as they are.
extension Kernel {
    /// Makes an account.
    /// - Parameter account: an address of one of our domains.
    package func add(_ account: JID, password: String) async throws(StanzaError) {
        let (local, user) = try localAccounts(of: account)
        // A directory may have an account of the same name, which this one would hide or be hidden by.
        guard await domain(account.domainJID)?.existence(of: user) == .unknown else { throw StanzaError(.conflict) }
        do { try await local.add(user, password: password) } catch { throw refusal(of: error, account) }
        accounts.forget(account)
        logger.notice("An account was made.", metadata: [LogKeys.account: "\(account)"])
    }

    /// Changes a password.
    package func setPassword(of account: JID, to password: String) async throws(StanzaError) {
        let (local, user) = try localAccounts(of: account)
        do { try await local.setPassword(of: user, to: password) } catch { throw refusal(of: error, account) }
        logger.notice("A password was changed.", metadata: [LogKeys.account: "\(account)"])
    }

    /// Removes an account with all that is kept of it, and ends its sessions.
    /// - Parameter asking: the session that has asked for it, which ends when it has been answered.
    package func remove(_ account: JID, asking: JID? = nil) async throws(StanzaError) {
        let (local, user) = try localAccounts(of: account)
        do {
            try await local.remove(user) { [features] transaction in
                for feature in features { try feature.removed(account, transaction) }
            }
        } catch {
            throw refusal(of: error, account)
        }
        logger.notice("An account was removed.", metadata: [LogKeys.account: "\(account)"])
        let sessions = accounts[account]?.withState { state in
            state.isRemoved = true
            return state.sessions
        }
        accounts.forget(account)
        for session in sessions ?? [] where session.handle.jid != asking {
            find(session.handle) { session, _ in session?.close(.accountRemoved) }
        }
    }

    /// The accounts that administer a domain or, if it has none, the server.
    package func administrators(of domain: JID) async -> [JID] {
        let own = await localAdministrators(of: domain)
        guard own.isEmpty else { return own }
        var all: [JID] = []
        for other in domains.keys where other != domain { all += await localAdministrators(of: other) }
        return all
    }

    private func localAdministrators(of domain: JID) async -> [JID] {
        guard let local = self.domain(domain)?.local else { return [] }
        do {
            return try await local.administrators().compactMap { try? JID(local: $0.localpart, of: domain) }
        } catch {
            logger.error("The administrators cannot be read.", metadata: [LogKeys.reason: "\(error)"])
            return []
        }
    }

    private func localAccounts(of account: JID) throws(StanzaError) -> (LocalAccounts, user: String) {
        guard let local = domain(account.domainJID)?.local, let user = account.local else {
            throw StanzaError(.notAllowed, "the accounts are kept elsewhere")
        }
        return (local, user)
    }

    private func refusal(of error: AccountError, _ account: JID) -> StanzaError {
        switch error {
        case .exists: StanzaError(.conflict)
        case .unknown: StanzaError(.notAllowed, "the account is kept elsewhere")
        case .password(let reason): StanzaError(.notAcceptable, "this cannot be a password: \(reason)")
        case .hashing: StanzaError(.resourceConstraint)
        case .storage(let error): refusal(of: error, account)
        }
    }
}

extension StreamError {
    /// XEP-0077 §3.2
    static let accountRemoved = StreamError(.notAuthorized, "the account was removed")
}
