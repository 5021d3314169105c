internal import Server
internal import XMPP

/// XEP-0060 §8.6: an owner's answer to a request for a subscription.
struct SubscriptionApproval: Sendable {
    static let formType = "http://jabber.org/protocol/pubsub#subscribe_authorization"

    let node: String
    let subscriber: JID
    let isAllowed: Bool

    /// Reads a message; nil for any other, and for one that leaves the request as it is.
    init?(_ stanza: Stanza) {
        guard stanza.kind == .message, stanza.type != .error, let element = stanza.element,
            let form = PubSubRequest.form(in: element), form.formType == Self.formType, form.kind == .submit,
            let node = form["pubsub#node"]?.first,
            let subscriber = form["pubsub#subscriber_jid"]?.first.flatMap({ try? JID($0) }),
            let isAllowed = NodeConfiguration.boolean(form["pubsub#allow"]?.first)
        else { return nil }
        self.node = node
        self.subscriber = subscriber
        self.isAllowed = isAllowed
    }

    /// Whether a message is such an answer, whatever it says.
    static func isAnswer(_ stanza: Stanza) -> Bool {
        stanza.element?.child("x", in: .dataForms).flatMap(DataForm.init)?.formType == formType
    }

    func apply(by owner: JID, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try store.existingNode(node)
        guard try store.affiliation(of: owner, at: node) == .owner else { throw StanzaError(.forbidden) }
        guard var subscription = try store.subscriptions(to: node, of: subscriber).first(where: { $0.jid == subscriber }),
            subscription.state == .pending
        else { throw StanzaError.notSubscribed }
        subscription.state = isAllowed ? .subscribed : .none
        return PubSubOutcome(try SubscriptionList.set(subscription, node, store))
    }
}
