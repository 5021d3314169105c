internal import Server
internal import XMPP

/// XEP-0060 §8.1: creating a node.
enum Creation {
    static let kinds = [PubSubRequest.Kind(.set, "create", create)]

    private static func create(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let configure = request.pubsub.child("configure", in: .pubSub)
        // §8.1.3
        if let configure, configure.hasAttribute("node") {
            throw StanzaError(.badRequest, "the node is named where it is created")
        }
        guard mayCreate(request.from, store.host) else { throw StanzaError(.forbidden) }
        let isInstant = request.action["node"] == nil
        let name = isInstant ? unguessableName() : try request.node()
        guard try store.node(name) == nil else { throw StanzaError(.conflict) }
        var configuration = store.host.defaults
        if let form = configure.flatMap(PubSubRequest.form) {
            guard form.formType ?? Configuring.formType == Configuring.formType else {
                throw StanzaError.invalidOptions("the form is of another type")
            }
            try configuration.submit(form, limits: store.host.limits)
        }
        _ = try create(name, by: request.from, configuration, store)
        return PubSubOutcome { $0.element("create", ["node": name]) }
    }

    /// Whether somebody may make nodes at a service.
    static func mayCreate(_ creator: JID, _ host: PubSubHost) -> Bool {
        host.isPersonal ? host.isOwner(creator) : host.isMember(creator)
    }

    static func create(
        _ name: String, by creator: JID, _ configuration: NodeConfiguration, _ store: NodeStore
    ) throws -> Node {
        guard store.host.offers(configuration.accessModel) else { throw StanzaError.unsupportedAccessModel }
        guard try store.nodeCount(of: creator) < store.host.limits.nodes else {
            throw StanzaError(.resourceConstraint, "there are too many nodes", kind: .cancel)
        }
        let node = try store.add(name, by: creator, configuration)
        if !store.host.isPersonal { try store.setAffiliation(of: creator.bare, at: node, to: .owner) }
        return node
    }

    /// A name that no other node or item has.
    static func unguessableName() -> String {
        String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
    }
}
