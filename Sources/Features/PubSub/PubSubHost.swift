internal import Server
internal import XMPP

/// A service with nodes: every account is one (XEP-0163 §3.1), and `pubsub.DOMAIN` is.
struct PubSubHost: Sendable {
    /// The account's bare JID, or the service's domain.
    let address: JID
    let isPersonal: Bool
    /// Of a personal service; nil while it is not in memory, and if there is no such account.
    let account: Account?
    /// Of a hosted service: the domain that it stands below.
    let domain: JID?
    let limits: PubSubLimits
    let defaults: NodeConfiguration

    init(account jid: JID, _ account: Account?, _ limits: PubSubLimits) {
        address = jid
        isPersonal = true
        self.account = account
        domain = nil
        self.limits = limits
        defaults = .personal(limits)
    }

    init(service: JID, below domain: JID, _ limits: PubSubLimits) {
        address = service
        isPersonal = false
        account = nil
        self.domain = domain
        self.limits = limits
        defaults = .service(limits)
    }

    /// Whether somebody owns every node of the service.
    func isOwner(_ entity: JID) -> Bool { isPersonal && account != nil && entity.hasSameBare(as: address) }

    /// What the owner of a personal service knows of somebody.
    func acquaintance(with entity: JID) -> Acquaintance {
        guard let account else { return Acquaintance() }
        return account.withState { Acquaintance(with: entity, in: $0) }
    }

    /// Whether somebody has an account in the domain that a hosted service stands below.
    func isMember(_ entity: JID) -> Bool { domain.map { entity.local != nil && entity.hasSameDomain(as: $0) } ?? false }

    /// The access models that nodes may have: without a roster there is nothing to look up.
    func offers(_ model: AccessModel) -> Bool {
        switch model {
        case .authorize, .open, .whitelist: true
        case .presence, .roster: isPersonal
        }
    }
}

extension Acquaintance {
    init(with entity: JID, in state: borrowing AccountState) {
        guard let item = state.roster[entity.bare] else { return }
        isSubscriber = item.subscription.from
        groups = item.groups
    }
}
