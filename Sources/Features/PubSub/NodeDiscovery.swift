internal import Server
internal import XMPP

/// XEP-0060 §5: nodes and items in the answers of service discovery; only those that the asking entity may see.
struct NodeDiscovery: Sendable {
    let engine: PubSubEngine
    /// How many nodes or items are listed.
    private static let limit = 1_000

    var source: DiscoverySource {
        DiscoverySource(
            info: { [self] node, request throws(StanzaError) in try await info(node, request) },
            items: { [self] node, request throws(StanzaError) in try await items(node, request) })
    }

    /// §5.3, §5.4
    private func info(_ name: String, _ request: IQRequest) async throws(StanzaError) -> Registry.Discovery? {
        let host = engine.host(of: request)
        return try await engine.kernel.read(of: host.address) { transaction in
            let store = NodeStore(transaction, host, now: engine.kernel.clock.date)
            guard let node = try store.node(name), try isVisible(node, to: request.from, store) else { return nil }
            var discovery = Registry.Discovery()
            discovery.identities = [Registry.Identity(category: "pubsub", type: "leaf")]
            discovery.features = [Namespace.discoveryInfo, .discoveryItems, .pubSub].map(\.description)
            discovery.forms = [try metadata(of: node, store)]
            return discovery
        }
    }

    private func metadata(of node: Node, _ store: NodeStore) throws -> DataForm {
        let configuration = node.configuration
        let affiliations = try store.affiliations(with: node)
        func entities(_ affiliation: Affiliation) -> [String] {
            affiliations.filter { $0.value == affiliation }.map(\.key.description).sorted()
        }
        var fields = [
            DataForm.Field("pubsub#type", configuration.type), DataForm.Field("pubsub#creator", node.creator.description),
            DataForm.Field("pubsub#creation_date", node.created.withoutFraction),
            DataForm.Field("pubsub#title", configuration.title),
            DataForm.Field("pubsub#description", configuration.description),
            DataForm.Field("pubsub#language", configuration.language),
            DataForm.Field("pubsub#contact", values: configuration.contacts),
            DataForm.Field("pubsub#owner", values: entities(.owner)),
            DataForm.Field("pubsub#publisher", values: entities(.publisher)),
            DataForm.Field("pubsub#access_model", configuration.accessModel.rawValue),
            DataForm.Field("pubsub#publish_model", configuration.publishModel.rawValue),
            DataForm.Field("pubsub#max_items", configuration.maxItems.description),
            DataForm.Field("pubsub#num_subscribers", String(try store.subscriptionCount(of: node))),
        ]
        fields.removeAll { $0.values.allSatisfy(\.isEmpty) }
        return DataForm(.result, formType: "http://jabber.org/protocol/pubsub#meta-data", fields)
    }

    /// §5.2, §5.5
    private func items(_ name: String?, _ request: IQRequest) async throws(StanzaError) -> [DiscoveryItem]? {
        let host = engine.host(of: request)
        return try await engine.kernel.read(of: host.address) { transaction in
            let store = NodeStore(transaction, host, now: engine.kernel.clock.date)
            guard let name else {
                return try store.nodes(limit: Self.limit).filter { try isVisible($0, to: request.from, store) }.map {
                    let title = $0.configuration.title
                    return DiscoveryItem(host.address, node: $0.name, name: title.isEmpty ? nil : title)
                }
            }
            guard let node = try store.node(name), try isVisible(node, to: request.from, store) else { return nil }
            guard node.mayBeNotified(try store.standing(of: request.from, at: node)) else { return [] }
            return try store.itemIDs(of: node, limit: Self.limit).map { DiscoveryItem(host.address, name: $0) }
        }
    }

    /// XEP-0163 §6.2: "MUST return as service discovery items only those nodes to which the contact is allowed to
    /// subscribe or from which the contact is allowed to retrieve items".
    private func isVisible(_ node: Node, to entity: JID, _ store: NodeStore) throws -> Bool {
        let standing = try store.standing(of: entity, at: node)
        do {
            try node.admit(standing)
            return true
        } catch {
            return false
        }
    }
}
