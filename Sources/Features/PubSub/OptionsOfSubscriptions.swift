internal import Server
internal import XMPP

/// XEP-0060 §6.3, §6.4: the options of a subscription, and the default ones.
enum OptionsOfSubscriptions {
    static let kinds = [
        PubSubRequest.Kind(.get, "options", show), PubSubRequest.Kind(.set, "options", change),
        PubSubRequest.Kind(.get, "default", showDefault),
    ]

    private static func show(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try store.existingNode(try request.node())
        let subscription = try Subscribing.subscription(of: request, to: node, store)
        return PubSubOutcome { writer in
            writer.element(
                "options", ["node": node.name, "jid": subscription.jid.description, "subid": subscription.id]
            ) { subscription.options.form(.form).write(into: &$0) }
        }
    }

    private static func change(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try store.existingNode(try request.node())
        var subscription = try Subscribing.subscription(of: request, to: node, store)
        guard let form = PubSubRequest.form(in: request.action) else { throw StanzaError.invalidOptions("a form is missing") }
        if form.kind == .cancel { return PubSubOutcome() }
        try subscription.options.submit(form)
        try store.save(subscription, to: node)
        return PubSubOutcome()
    }

    private static func showDefault(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = request.action["node"]
        if let node { _ = try store.existingNode(node) }
        return PubSubOutcome { writer in
            writer.element("default", ["node": node]) { SubscriptionOptions().form(.form).write(into: &$0) }
        }
    }
}
