internal import Server
internal import XMPP

/// What is asked of a service with `<pubsub/>` (XEP-0060 §14).
struct PubSubRequest: Sendable {
    let from: JID
    let pubsub: Element
    /// The child that says what is to be done.
    let action: Element

    /// The node that it is about.
    func node() throws(StanzaError) -> String {
        guard let node = action["node"], !node.isEmpty else { throw .nodeRequired }
        guard node.utf8.count <= Node.nameLimit else { throw StanzaError(.notAcceptable, "the name of the node is too long") }
        return node
    }

    /// The form inside an element; nil if there is none.
    static func form(in element: Element) -> DataForm? {
        element.child("x", in: .dataForms).flatMap(DataForm.init)
    }

    func isIn(_ namespace: Namespace) -> Bool { pubsub.isIn(namespace) }

    /// Something that can be done with nodes, inside a transaction.
    typealias Ability = @Sendable (PubSubRequest, NodeStore) throws -> PubSubOutcome

    struct Kind: Sendable {
        let type: StanzaType
        let namespace: Namespace
        let name: StaticString
        /// Whether it changes anything.
        let writes: Bool
        let ability: Ability

        init(_ type: StanzaType, _ name: StaticString, in namespace: Namespace = .pubSub, _ ability: @escaping Ability) {
            self.type = type
            self.namespace = namespace
            self.name = name
            writes = type == .set
            self.ability = ability
        }
    }

    static let kinds: [Kind] =
        Publishing.kinds + Retraction.kinds + Retrieval.kinds + Creation.kinds + Configuring.kinds + Deletion.kinds
        + Subscribing.kinds + OptionsOfSubscriptions.kinds + AffiliationList.kinds + SubscriptionList.kinds

    /// What a request is; nil for what no service can do.
    static func kind(_ type: StanzaType, _ action: Element, in namespace: Namespace) -> Kind? {
        kinds.first { $0.type == type && $0.namespace == namespace && action.isNamed($0.name, in: namespace) }
    }
}
