internal import Server
internal import XMPP

/// XEP-0060 §8.2, §8.3: the configuration of a node, and the default one.
enum Configuring {
    static let kinds = [
        PubSubRequest.Kind(.get, "configure", in: .pubSubOwner, show),
        PubSubRequest.Kind(.set, "configure", in: .pubSubOwner, change),
        PubSubRequest.Kind(.get, "default", in: .pubSubOwner, showDefault),
    ]

    static let formType = "http://jabber.org/protocol/pubsub#node_config"

    private static func show(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try ownNode(request, store)
        return PubSubOutcome(.pubSubOwner) { writer in
            writer.element("configure", ["node": node.name]) { node.configuration.form(.form).write(into: &$0) }
        }
    }

    private static func showDefault(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        guard request.action["type"] ?? "leaf" == "leaf" else { throw StanzaError.unsupported("collections") }
        return PubSubOutcome(.pubSubOwner) { writer in
            writer.element("default") { store.host.defaults.form(.form).write(into: &$0) }
        }
    }

    private static func change(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try ownNode(request, store)
        guard let form = PubSubRequest.form(in: request.action) else {
            throw StanzaError(.badRequest, "a form is missing")
        }
        // §8.2.4: "the existing configuration MUST be applied"
        if form.kind == .cancel { return PubSubOutcome() }
        guard form.formType ?? formType == formType else { throw StanzaError.invalidOptions("the form is of another type") }
        var changed = node
        try changed.configuration.submit(form, limits: store.host.limits)
        guard store.host.offers(changed.configuration.accessModel) else { throw StanzaError.unsupportedAccessModel }
        return PubSubOutcome(try apply(changed, before: node, store))
    }

    /// Puts a changed configuration into force.
    private static func apply(_ node: Node, before: Node, _ store: NodeStore) throws -> [Announcement] {
        try store.save(node)
        _ = try store.trimItems(of: node, to: node.configuration.itemLimit(store.host.limits))
        var announcements: [Announcement] = []
        let hasMoved = node.configuration.accessModel != before.configuration.accessModel
            || node.configuration.rosterGroups != before.configuration.rosterGroups
        if hasMoved {
            announcements += try cancelled(store.cancelSubscriptions(to: node), node, store)
            if node.configuration.sendLast != .never, let last = try store.lastItem(of: node) {
                announcements.append(try store.announce(.opened(last, before: before.configuration), at: node))
            }
        }
        if node.configuration.notifiesConfiguration, node.configuration.deliversNotifications {
            announcements.append(try store.announce(.configured, at: node))
        }
        return announcements
    }

    /// What those are told whose subscriptions have ended.
    static func cancelled(
        _ subscriptions: [NodeSubscription], _ node: Node, _ store: NodeStore
    ) throws -> [Announcement] {
        try subscriptions.map { subscription in
            var ended = subscription
            ended.state = .none
            return try store.announce(.subscription(ended), at: node)
        }
    }

    /// The node of a request that only owners may make.
    static func ownNode(_ request: PubSubRequest, _ store: NodeStore) throws -> Node {
        let node = try store.existingNode(try request.node())
        guard try store.affiliation(of: request.from, at: node) == .owner else { throw StanzaError(.forbidden) }
        return node
    }
}
