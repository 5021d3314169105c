internal import Server
internal import Storage
internal import Synchronization
internal import XMPP

/// What presence and rosters change for nodes: last items for who comes or gains access, the end of subscriptions for
/// who goes or loses it (XEP-0163 §4.3.4, §7.1; XEP-0060 §12.4).
struct PubSubPresence: Sendable {
    private let engine: PubSubEngine
    private let lastItems: LastItems
    private let start = Start()

    private var kernel: Kernel { engine.kernel }

    /// Whether the temporary subscriptions of the time before the start are gone.
    private final class Start: Sendable {
        let isDone = Atomic<Bool>(false)
    }

    init(engine: PubSubEngine) {
        self.engine = engine
        lastItems = LastItems(kernel: engine.kernel, limits: engine.limits)
    }

    var registrations: [[Registration]] {
        [
            Registration.sessionBound { _ in endOldSubscriptions() },
            Registration.becameAvailable { session in
                let capabilities = session.account.withState { $0.capabilities[session.handle.id] }
                if let capabilities { sendAll(capabilities.interests, of: session.account, to: session.jid, on: session.loop) }
            },
            Registration.capabilitiesKnown { known, loop in
                let news = known.now.interests.subtracting(known.before?.interests ?? [])
                if known.isVisitor {
                    lastItems.send(news, of: [known.account.jid], to: known.jid, on: loop)
                } else if known.account.sessions.contains(where: { $0.handle.jid == known.jid && $0.isAvailable }) {
                    sendAll(news, of: known.account, to: known.jid, on: loop)
                }
            },
            Registration.presence(.toAccount, .copy) { stanza, scope throws(StanzaError) in
                // The account's subscription was granted: it is a new subscriber of the nodes, too.
                if stanza.type == .subscribed, let owner = stanza.from?.bare { offer(of: owner, to: scope.account) }
                return .next
            },
            Registration.rosterChanged { account, contact, _ in rosterChanged(account, contact.bare) },
            Registration.becameUnavailable { session, _ in endSubscriptions(of: session) },
            Registration.sessionEnded { session, last in
                if last.isAvailable { endSubscriptions(of: session) }
            },
        ]
    }

    // MARK: Last items

    /// Of the account's own nodes, and of those of the contacts whose presence it receives.
    private func sendAll(_ interests: Set<String>, of account: Account, to receiver: JID, on loop: LoopContext) {
        guard !interests.isEmpty else { return }
        let contacts = account.withState { $0.roster.subscriptions }.map(\.bare).filter {
            $0.local != nil && kernel.serves(domainOf: $0)
        }
        lastItems.send(interests, of: [account.jid] + contacts, to: receiver, on: loop)
    }

    private func offer(of owner: JID, to account: Account) {
        guard owner.local != nil, kernel.serves(domainOf: owner) else { return }
        let resources = account.withState { state in
            state.sessions.filter(\.isAvailable).compactMap { session in
                state.capabilities[session.handle.id].map { (handle: session.handle, interests: $0.interests) }
            }
        }
        for resource in resources where !resource.interests.isEmpty {
            kernel.loops[resource.handle.loop].execute { loop in
                lastItems.send(resource.interests, of: [owner], to: resource.handle.jid, on: loop)
            }
        }
    }

    // MARK: Rosters

    /// A contact may have lost access to nodes of the account: "the service MUST cancel the entity's subscription".
    private func rosterChanged(_ account: Account, _ contact: JID) {
        let host = PubSubHost(account: account.jid, account, engine.limits)
        let kernel = kernel
        kernel.database.read { transaction in
            try transaction.first(
                """
                SELECT 1 FROM pubsub_subscriptions s JOIN pubsub_nodes n ON n.id = s.node
                WHERE s.entity = $1 AND n.service = $2
                """, [.text(contact.description), .text(account.jid.description)]
            ) { _ in true } ?? false
        } completion: { result in
            guard case .success(true) = result else { return }
            engine.change(host) { store in
                var announcements: [Announcement] = []
                for entry in try store.subscriptions(of: contact, node: nil) {
                    guard let node = try store.node(entry.node) else { continue }
                    announcements += try Configuring.cancelled(
                        store.cancelSubscriptions(to: node, of: contact), node, store)
                }
                return PubSubOutcome(announcements)
            } completion: { _ in
            }
        }
    }

    // MARK: Temporary subscriptions

    private static let hasTemporary = AccountSlot(false)

    /// A subscription that is to end with the presence of its subscriber was made.
    static func noteTemporarySubscription(of account: Account?) {
        account?.withState { $0[hasTemporary] = true }
    }

    private func endSubscriptions(of session: Session) {
        let account = session.account
        let (has, isLast) = account.withState { state in
            let isLast = !state.sessions.contains { $0.isAvailable && $0.handle != session.handle }
            defer { if isLast { state[Self.hasTemporary] = false } }
            return (state[Self.hasTemporary], isLast)
        }
        guard has else { return }
        let jid = session.jid
        kernel.database.write { transaction in
            try NodeStore.endTemporarySubscriptions(of: jid, transaction)
            if isLast { try NodeStore.endTemporarySubscriptions(of: jid.bare, transaction) }
        } completion: { _ in
        }
    }

    /// What was to end with presence has ended with the server that knew of it.
    private func endOldSubscriptions() {
        guard !start.isDone.load(ordering: .relaxed), !start.isDone.exchange(true, ordering: .relaxed) else { return }
        kernel.database.write { try NodeStore.endTemporarySubscriptions($0) } completion: { _ in }
    }
}
