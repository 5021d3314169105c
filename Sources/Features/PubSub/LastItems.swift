internal import Logging
internal import Server
internal import Storage
internal import XMPP

/// Last items for a resource that has just told of its presence and interests (XEP-0163 §4.3.4, XEP-0060 §12.2).
struct LastItems: Sendable {
    private unowned let kernel: Kernel
    private let limits: PubSubLimits
    /// How many accounts are looked at in one transaction.
    private static let batch = 50

    init(kernel: Kernel, limits: PubSubLimits) {
        self.kernel = kernel
        self.limits = limits
    }

    private struct Found: Sendable {
        let owner: JID
        let announcement: Announcement
    }

    /// Sends what the nodes of accounts that a resource is interested in have last.
    func send(_ interests: Set<String>, of accounts: [JID], to receiver: JID, on loop: LoopContext) {
        guard let batch = accounts.isEmpty ? nil : accounts.prefix(Self.batch), !interests.isEmpty else { return }
        let rest = Array(accounts.dropFirst(Self.batch))
        let reference = kernel.loops[loop.index]
        let now = kernel.clock.date
        kernel.database.read { [limits] transaction in
            try batch.flatMap { try Self.find(interests, of: $0, to: receiver, limits, now: now, transaction) }
        } completion: { result in
            switch result {
            case .failure(let error):
                kernel.logger.error("Last items cannot be read.", metadata: [LogKeys.reason: "\(error)"])
            case .success(let found):
                for item in found { load(item, to: receiver) }
                reference.execute { send(interests, of: rest, to: receiver, on: $0) }
            }
        }
    }

    private static func find(
        _ interests: Set<String>, of owner: JID, to receiver: JID, _ limits: PubSubLimits, now: DateTime,
        _ transaction: Transaction
    ) throws -> [Found] {
        // What the roster says is looked up later, when the account is in memory.
        let store = NodeStore(transaction, PubSubHost(account: owner, nil, limits), now: now)
        return try store.nodes().compactMap { node in
            guard interests.contains(node.name), node.configuration.sendLast == .onSubAndPresence,
                node.configuration.deliversNotifications, let item = try store.lastItem(of: node)
            else { return nil }
            let entity = receiver.bare
            let affiliation = owner == entity ? Affiliation.owner : try store.affiliation(of: entity, at: node)
            let announcement = Announcement(
                event: .last(item, to: receiver), node: node, affiliations: [entity: affiliation],
                subscriptions: try store.subscriptions(to: node, of: entity))
            return Found(owner: owner, announcement: announcement)
        }
    }

    /// Sends one item if its owner's roster allows it, and no block of the owner's forbids it.
    private func load(_ found: Found, to receiver: JID) {
        kernel.accounts.load(found.owner, isKnown: true) { result in
            guard case .loaded(let account) = result else { return }
            let host = PubSubHost(account: found.owner, account, limits)
            kernel.loop(of: host).execute { loop in
                let entity = receiver.bare
                let standing = found.announcement.standing(of: entity, host.acquaintance(with: entity))
                guard found.announcement.node.mayBeNotified(standing) else { return }
                Notifier(kernel: kernel).send(found.announcement, of: host, on: loop)
            }
        }
    }
}
