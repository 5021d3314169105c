internal import NIOCore
package import Server
package import Storage
internal import Synchronization
package import XMPP

/// XEP-0060: nodes that something is published to and that others hear of, at `pubsub.DOMAIN` and on every account
/// (XEP-0163); with the profiles for data that is open to everybody (XEP-0222) or only to its owner (XEP-0223).
package struct PubSub: Feature {
    package static let xeps = [60, 163, 222, 223, 292]
    package static let settings = [AnySetting(nodeLimit), AnySetting(itemLimit), AnySetting(payloadLimit), AnySetting(byteLimit)]
    package static let migrations = NodeStore.migrations

    static let nodeLimit = Setting(
        "pubsub.nodes-per-account", default: 500, in: 1...100_000,
        "How many nodes one account may have, and how many it may create at the service pubsub.DOMAIN.")
    static let itemLimit = Setting(
        "pubsub.items-per-node", default: 1_000, in: 1...1_000_000,
        "How many items a node may keep; what \"max\" means in the configuration of a node.")
    static let payloadLimit = Setting(
        "pubsub.payload-size", default: .kibibytes(256), in: .kibibytes(1)...(.mebibytes(16)),
        "How large an item may be. The limit of stanzas, limits.stanza-size, applies as well.")
    static let byteLimit = Setting(
        "pubsub.bytes-per-account", default: .mebibytes(64), in: .kibibytes(1)...(.mebibytes(65_536)),
        "How large all items of one account may be together, and all in nodes that it has created at pubsub.DOMAIN.")

    /// The first label of the service's addresses.
    static let label = "pubsub"

    /// What both kinds of service can do (§10).
    private static let features = [
        "auto-create", "config-node", "config-node-max", "create-and-configure", "create-nodes", "delete-items",
        "delete-nodes", "instant-nodes", "item-ids", "leased-subscription", "manage-subscriptions",
        "member-affiliation", "meta-data", "modify-affiliations", "multi-items", "outcast-affiliation",
        "persistent-items", "publish", "publish-node-full", "publish-only-affiliation", "publish-options",
        "publisher-affiliation", "purge-nodes", "retract-items", "retrieve-affiliations", "retrieve-default",
        "retrieve-default-sub", "retrieve-items", "retrieve-subscriptions", "rsm", "subscribe",
        "subscription-notifications", "subscription-options",
    ]

    private unowned let kernel: Kernel
    private let engine: PubSubEngine

    package init(kernel: Kernel) {
        self.kernel = kernel
        engine = PubSubEngine(kernel: kernel)
    }

    package var registrations: [[Registration]] {
        let presence = PubSubPresence(engine: engine)
        return [
            Registration.service(Self.label, name: "Publish-Subscribe", category: "pubsub", type: "service") { stanza, loop, session throws(StanzaError) in
                try receive(stanza, loop, session)
            },
            Registration.identity(category: "pubsub", type: "pep", on: .account),
            advertised(on: .service(Self.label), ["access-open"]),
            advertised(
                on: .account,
                [
                    "access-presence", "auto-subscribe", "filtered-notifications", "last-published",
                    "presence-notifications", "presence-subscribe", "pubsub-on-a-jid",
                ]),
            Registration.discovery(on: .account, NodeDiscovery(engine: engine).source),
            Registration.discovery(on: .service(Self.label), NodeDiscovery(engine: engine).source),
            requests(on: .account, .pubSub), requests(on: .account, .pubSubOwner),
            requests(on: .service(Self.label), .pubSub), requests(on: .service(Self.label), .pubSubOwner),
            // §8.6: the owner answers a request for a subscription to a node of the account.
            Registration.message(.fromClient, .deliver) { stanza, scope throws(StanzaError) in
                guard stanza.to.map({ $0 == scope.account.jid }) ?? true, SubscriptionApproval.isAnswer(stanza) else { return .next }
                approve(stanza, PubSubHost(account: scope.account.jid, scope.account, engine.limits), on: scope.loop)
                return .handled
            },
        ] + presence.registrations
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try NodeStore.remove(account, transaction)
    }

    private func advertised(on asked: Asked, _ more: [String]) -> [Registration] {
        Registration.advertise(.pubSub, on: asked)
            + Registration.advertise((Self.features + more).map { "\(Namespace.pubSub)#\($0)" }, on: asked)
    }

    private func requests(on asked: Asked, _ namespace: Namespace) -> [Registration] {
        Registration.iq(.get, "pubsub", in: namespace, on: asked, isAdvertised: false, .concurrent { request throws(StanzaError) in
            try await engine.answer(request, in: namespace)
        })
            + Registration.iq(.set, "pubsub", in: namespace, on: asked, isAdvertised: false, .ordered { request throws(StanzaError) in
                try await engine.answer(request, in: namespace)
            })
    }

    /// Messages and presence to the hosted service.
    private func receive(_ stanza: Stanza, _ loop: LoopContext, _ session: Session?) throws(StanzaError) {
        if SubscriptionApproval.isAnswer(stanza), let to = stanza.to {
            return approve(stanza, engine.hostedService(at: to), on: loop)
        }
        try HostedService.refuse(stanza, loop, session)
    }

    private func approve(_ stanza: Stanza, _ host: PubSubHost, on loop: LoopContext) {
        guard let approval = SubscriptionApproval(stanza), let owner = stanza.from else { return }
        let reference = kernel.loops[loop.index]
        engine.change(host) { try approval.apply(by: owner, $0) } completion: { result in
            guard case .failure(let error) = result else { return }
            reference.execute { $0.kernel.router.bounce(stanza, error, on: $0) }
        }
    }
}
