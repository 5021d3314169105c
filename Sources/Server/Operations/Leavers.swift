internal import Accounts
internal import Logging
internal import XMPP

/// Ends the sessions of accounts that were removed or disabled, by whatever process, within seconds.
actor Leavers {
    private let kernel: Kernel
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
            seen[domain.jid] = revision
            if !isFirst { await check(domain) }
        }
    }

    private func check(_ domain: Domain) async {
        for account in kernel.accounts.active where account.jid.hasSameDomain(as: domain.jid) {
            // Who removes an account here ends its sessions, in the right order.
            guard !account.withState({ $0.isRemoved }) else { continue }
            guard let user = account.jid.local, await domain.existence(of: user) == .unknown else { continue }
            kernel.logger.notice(
                "An account was removed or disabled; its sessions are ended.", metadata: [LogKeys.account: "\(account.jid)"])
            let isRemoved: Bool
            do { isRemoved = try await domain.local?.account(user) == nil } catch { continue }
            account.withState { $0.isRemoved = isRemoved }
            for session in account.sessions {
                kernel.find(session.handle) { session, _ in
                    session?.close(StreamError(.notAuthorized, "the account may not be used any more"))
                }
            }
            kernel.accounts.forget(account.jid)
        }
    }
}
