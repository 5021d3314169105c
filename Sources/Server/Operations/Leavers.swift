internal import Accounts
internal import Logging
internal import Synchronization
internal import XMPP

/// Ends the sessions of accounts that were removed or disabled, or whose passwords were changed, by whatever process,
/// within seconds.
actor Leavers {
    private unowned let kernel: Kernel
    /// The revision of each domain's accounts that was looked at last.
    private var seen: [JID: Int] = [:]

    init(kernel: Kernel) {
        self.kernel = kernel
    }

    /// Looks whether accounts have changed; called every few seconds.
    func look() async {
        for domain in kernel.domains.values {
            guard let local = domain.local, let revision = try? await local.revision(), revision != seen[domain.jid] else {
                continue
            }
            let isFirst = seen[domain.jid] == nil
            let before = seen.updateValue(revision, forKey: domain.jid) ?? revision
            if !isFirst { await check(domain) }
            try? await local.loadOldKeys()
            for user in (try? await local.passwordsSet(since: before)) ?? [] {
                guard let account = try? JID(local: user, of: domain.jid) else { continue }
                // Who changes a password here has ended sessions already, and knows which one stays.
                if !forgetNextPassword(of: account) { kernel.passwordChanged(of: account) }
            }
        }
        await checkReturned()
    }

    // MARK: After a restart

    /// Accounts with sessions that were kept over a restart, until they were looked at.
    nonisolated private let returned = NamedAccounts()

    /// A session was kept over a restart: its account may have been removed meanwhile.
    nonisolated func hasReturned(_ account: JID) { returned.accounts.withLock { _ = $0.insert(account) } }

    private func checkReturned() async {
        let returned = returned.accounts.withLock { accounts in
            defer { accounts = [] }
            return accounts
        }
        for jid in returned {
            guard let domain = kernel.domains[jid.domainJID], domain.local != nil, let account = kernel.accounts[jid] else {
                continue
            }
            await check(account, domain)
        }
    }

    // MARK: Passwords

    /// Accounts whose passwords are being changed by this process.
    nonisolated private let own = NamedAccounts()

    /// The next change of a password is made by this process.
    nonisolated func ignoreNextPassword(of account: JID) { own.accounts.withLock { _ = $0.insert(account) } }

    /// - Returns: whether the change was made by this process.
    @discardableResult
    nonisolated func forgetNextPassword(of account: JID) -> Bool { own.accounts.withLock { $0.remove(account) != nil } }

    private func check(_ domain: Domain) async {
        for account in kernel.accounts.active where account.jid.hasSameDomain(as: domain.jid) { await check(account, domain) }
    }

    private func check(_ account: Account, _ domain: Domain) async {
        // Who removes an account here ends its sessions, in the right order.
        guard !account.withState({ $0.isRemoved }) else { return }
        guard let user = account.jid.local, await domain.existence(of: user) == .unknown else { return }
        kernel.logger.notice(
            "An account was removed or disabled; its sessions are ended.", metadata: [LogKeys.account: "\(account.jid)"])
        let isRemoved: Bool
        do { isRemoved = try await domain.local?.account(user) == nil } catch { return }
        account.withState { $0.isRemoved = isRemoved }
        for session in account.sessions {
            kernel.find(session.handle) { session, _ in
                session?.close(StreamError(.notAuthorized, "the account may not be used any more"))
            }
        }
        kernel.accounts.forget(account.jid)
    }
}

private final class NamedAccounts: Sendable {
    let accounts = Mutex<Set<JID>>([])
}
