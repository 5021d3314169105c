internal import Accounts
internal import Logging
internal import Storage
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

    /// Changes a password. The tokens of the account's devices end with it (XEP-0484), and sessions that wait for being
    /// resumed.
    /// - Parameter asking: the session that has asked for it, which stays.
    package func setPassword(of account: JID, to password: String, asking: JID? = nil) async throws(StanzaError) {
        let (local, user) = try localAccounts(of: account)
        leavers.ignoreNextPassword(of: account)
        do {
            try await local.setPassword(of: user, to: password)
        } catch {
            leavers.forgetNextPassword(of: account)
            throw refusal(of: error, account)
        }
        logger.notice("A password was changed.", metadata: [LogKeys.account: "\(account)"])
        passwordChanged(of: account, asking: asking)
    }

    /// An account has another password: who knows only the old one is not let in again.
    /// - Parameter asking: a session that stays in any case.
    func passwordChanged(of account: JID, asking: JID? = nil) {
        let endsAll = configuration[AccountSettings.passwordEndsSessions]
        for bound in accounts[account]?.sessions ?? [] where bound.handle.jid != asking && (endsAll || bound.isAway) {
            find(bound.handle) { session, _ in
                guard let session, endsAll || session.stream == nil else { return }
                session.close(.passwordChanged)
            }
        }
    }

    /// Ends sessions by an administrator's wish: all of an account, or the one of a full JID. Their devices have to show
    /// the password again (XEP-0484).
    package func kick(_ jid: JID) async throws(StanzaError) {
        let sessions = (accounts[jid.bare]?.sessions ?? []).filter { jid.isBare || $0.handle.jid == jid }
        guard jid.isBare || !sessions.isEmpty else { throw StanzaError(.itemNotFound) }
        if let tokens = domain(jid.domainJID)?.tokens, let user = jid.local {
            let devices: [String?] = jid.isBare ? [nil] : sessions.compactMap(\.device)
            do throws(StorageError) {
                for device in devices { try await tokens.revoke(of: user, device: device) }
            } catch {
                throw refusal(of: error, jid)
            }
        }
        for bound in sessions { find(bound.handle) { session, _ in session?.close(.kicked) } }
        logger.notice("Sessions were ended by an administrator.", metadata: [LogKeys.jid: "\(jid)"])
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

    static let passwordChanged = StreamError(.notAuthorized, "the password was changed")

    static let kicked = StreamError(.policyViolation, "an administrator has ended the session")
}
