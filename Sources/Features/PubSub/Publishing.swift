internal import Server
internal import XMPP

/// XEP-0060 §7.1: publishing an item.
enum Publishing {
    static let kinds = [PubSubRequest.Kind(.set, "publish", publish)]

    /// What is to be published.
    struct Publication: Sendable {
        /// Nil leaves it to the service.
        var id: String?
        /// Whether there is an item at all.
        var hasItem = true
        /// The payload's text, and its namespace; nil without a payload.
        var payload: (text: String, namespace: String)?
    }

    private static func publish(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let name = try request.node()
        let publication = try Publication(request.action)
        let options = try preconditions(request.pubsub)
        let (item, announcements) = try publish(publication, to: name, by: request.from, options, store)
        return PubSubOutcome(.pubSub, announcements) { writer in
            writer.element("publish", ["node": name]) { writer in
                if let item { writer.element("item", ["id": item.id]) }
            }
        }
    }

    /// The preconditions of a request (§7.1.5).
    private static func preconditions(_ pubsub: Element) throws(StanzaError) -> DataForm? {
        guard let options = pubsub.child("publish-options", in: .pubSub), options.firstChild != nil else { return nil }
        guard let form = PubSubRequest.form(in: options),
            form.formType == "http://jabber.org/protocol/pubsub#publish-options"
        else { throw .invalidOptions("publish-options are a form of their type") }
        return form
    }

    /// Publishes; makes the node if need be.
    static func publish(
        _ publication: Publication, to name: String, by publisher: JID, _ preconditions: DataForm?, _ store: NodeStore
    ) throws -> (item: NodeItem?, announcements: [Announcement]) {
        let node = try node(name, by: publisher, preconditions, store)
        let standing = try store.standing(of: publisher, at: node)
        guard node.mayPublish(standing) else { throw StanzaError(.forbidden) }
        try publication.check(node.configuration)
        guard publication.hasItem else { return (nil, try announce([], [], node, store)) }
        let item = NodeItem(
            id: publication.id ?? Creation.unguessableName(), publisher: publisher, published: store.now,
            payload: publication.payload?.text ?? "")
        let removed = try keep(item, at: node, standing, store)
        return (item, try announce([item], removed, node, store))
    }

    /// Publishes for the owner what the server has made itself.
    /// - Parameter configuration: of the node, if it has to be made.
    static func publish(
        _ publication: Publication, to name: String, configuration: NodeConfiguration, _ store: NodeStore
    ) throws -> [Announcement] {
        let owner = store.host.address
        let node = try store.node(name) ?? Creation.create(name, by: owner, configuration, store)
        return try publish(publication, to: node.name, by: owner, nil, store).announcements
    }

    /// The node to publish to, which must be as the publisher expects it, or is made so (§7.1.4, §7.1.5).
    private static func node(
        _ name: String, by publisher: JID, _ preconditions: DataForm?, _ store: NodeStore
    ) throws -> Node {
        if let node = try store.node(name) {
            if let preconditions, !node.configuration.meets(preconditions, limits: store.host.limits) {
                // Told only to those who could publish.
                guard node.mayPublish(try store.standing(of: publisher, at: node)) else { throw StanzaError(.forbidden) }
                throw StanzaError.preconditionNotMet
            }
            return node
        }
        guard Creation.mayCreate(publisher, store.host) else { throw StanzaError(.itemNotFound) }
        var configuration = store.host.defaults
        if let preconditions {
            try configuration.submit(preconditions, limits: store.host.limits, isExact: true)
        }
        return try Creation.create(name, by: publisher, configuration, store)
    }

    /// Stores an item, and removes those for which there is no room any more (§7.1.2.5).
    private static func keep(
        _ item: NodeItem, at node: Node, _ standing: Standing, _ store: NodeStore
    ) throws -> [String] {
        let limit = node.configuration.itemLimit(store.host.limits)
        guard limit > 0 else { return [] }
        try store.removeExpiredItems(of: node)
        let before = try store.item(item.id, of: node)
        if let before, !node.mayRemove(itemOf: before.publisher, standing) { throw StanzaError(.forbidden) }
        if before == nil, node.configuration.whenFull == .reject, try store.itemCount(of: node) >= limit {
            throw StanzaError.nodeFull
        }
        try store.put(item, at: node)
        let removed = try store.trimItems(of: node, to: limit)
        guard try store.byteCount(of: node.creator) <= store.host.limits.bytes else {
            throw StanzaError(.resourceConstraint, "too much is stored already; remove something first")
        }
        return removed
    }

    private static func announce(
        _ items: [NodeItem], _ removed: [String], _ node: Node, _ store: NodeStore
    ) throws -> [Announcement] {
        guard node.configuration.deliversNotifications else { return [] }
        var announcements = [try store.announce(.items(items), at: node)]
        // Where there is one item only, the new one says all.
        if !removed.isEmpty, node.configuration.notifiesRetraction, node.configuration.whenFull == .retractOldest,
            node.configuration.itemLimit(store.host.limits) > 1
        {
            announcements.append(try store.announce(.retracted(removed), at: node))
        }
        return announcements
    }
}

extension Publishing.Publication {
    /// Reads `<publish/>`.
    init(_ publish: Element) throws(StanzaError) {
        let items = publish.children.filter { $0.isNamed("item", in: .pubSub) }
        guard items.count <= 1 else { throw StanzaError(.badRequest, "one item is published at a time") }
        guard let item = items.first else {
            self.init(id: nil, hasItem: false)
            return
        }
        let id = item["id"].flatMap { $0.isEmpty ? nil : $0 }
        guard id?.utf8.count ?? 0 <= Node.nameLimit else { throw StanzaError(.notAcceptable, "the id of the item is too long") }
        let payloads = Array(item.children)
        guard payloads.count <= 1 else { throw .invalidPayload }
        self.init(id: id)
        guard let payload = payloads.first else { return }
        guard !payload.namespace.isEmpty else { throw .invalidPayload }
        self.payload = (payload.serialized, payload.namespace)
    }

    /// Whether it is what the node takes (§4.3, §7.1.3.5–7.1.3.7).
    func check(_ configuration: NodeConfiguration) throws(StanzaError) {
        guard hasItem else {
            if configuration.persistItems || configuration.deliversPayloads { throw .itemRequired }
            return
        }
        if !configuration.persistItems, !configuration.deliversPayloads { throw .itemForbidden }
        guard let payload else {
            if configuration.deliversPayloads { throw .payloadRequired }
            return
        }
        if !configuration.type.isEmpty, configuration.type != payload.namespace { throw .invalidPayload }
        guard payload.text.utf8.count <= configuration.maxPayloadSize else {
            throw .payloadTooBig(configuration.maxPayloadSize)
        }
    }
}
