internal import NIOCore
internal import XMPP

/// What a request brings about: an answer, and what others are told of.
struct PubSubOutcome: Sendable {
    var answer: ByteBuffer?
    var announcements: [Announcement] = []
    /// What is to be done in memory once all is on disk.
    var afterwards: [@Sendable () -> Void] = []

    init(_ announcements: [Announcement] = []) {
        self.announcements = announcements
    }

    /// - Parameter namespace: of the `<pubsub/>` that surrounds the answer.
    init(_ namespace: Namespace = .pubSub, _ announcements: [Announcement] = [], _ content: (inout XMLWriter) -> Void) {
        self.announcements = announcements
        var writer = XMLWriter()
        writer.element("pubsub", in: namespace, [:], content)
        answer = writer.buffer
    }
}

/// Something to be told, with all that is to be known of the node to decide whom (XEP-0060 §12.2).
struct Announcement: Sendable {
    enum Event: Sendable {
        case items([NodeItem])
        case retracted([String])
        case purged
        case deleted(redirect: String?)
        case configured
        /// The last item, to those who have gained access by a change of the configuration.
        case opened(NodeItem, before: NodeConfiguration)
        /// The last item, to a new subscriber.
        case last(NodeItem, to: JID)
        /// The state of a subscription, to the subscriber (§12.13).
        case subscription(NodeSubscription)
        /// A subscription waits for one of these (§8.6).
        case request(NodeSubscription, owners: [JID])
    }

    let event: Event
    let node: Node
    let affiliations: [JID: Affiliation]
    let subscriptions: [NodeSubscription]

    /// What somebody was to the node when it happened.
    func standing(of entity: JID, _ acquaintance: Acquaintance) -> Standing {
        Standing(
            entity: entity, affiliation: affiliations[entity] ?? .none,
            subscriptions: subscriptions.filter { $0.jid.hasSameBare(as: entity) }, acquaintance: acquaintance)
    }
}

extension NodeStore {
    /// An event, for all who may hear of it as things stand now.
    func announce(_ event: Announcement.Event, at node: Node) throws -> Announcement {
        switch event {
        case .last, .subscription, .request:
            Announcement(event: event, node: node, affiliations: [:], subscriptions: [])
        case .items, .retracted, .purged, .deleted, .configured, .opened:
            Announcement(
                event: event, node: node, affiliations: try affiliations(with: node),
                subscriptions: try subscriptions(to: node))
        }
    }
}

extension Announcement {
    /// The content of the message that tells of it.
    var content: ByteBuffer {
        var writer = XMLWriter()
        switch event {
        case .request(let subscription, _): writeRequest(subscription, into: &writer)
        default: writer.element("event", in: .pubSubEvent) { write(into: &$0) }
        }
        switch event {
        // §6.1.7: "to indicate it is sent with delayed delivery"
        case .last(let item, _), .opened(let item, _):
            Delay(from: node.service, stamp: item.published).write(into: &writer)
        default: break
        }
        return writer.buffer
    }

    private func write(into writer: inout XMLWriter) {
        switch event {
        case .items(let items):
            writer.element("items", ["node": node.name]) { writer in
                for item in items { item.write(into: &writer, of: node, withPayload: node.configuration.deliversPayloads) }
            }
        case .last(let item, _), .opened(let item, _):
            writer.element("items", ["node": node.name]) {
                item.write(into: &$0, of: node, withPayload: node.configuration.deliversPayloads)
            }
        case .retracted(let ids):
            writer.element("items", ["node": node.name]) { writer in
                for id in ids { writer.element("retract", ["id": id]) }
            }
        case .purged: writer.element("purge", ["node": node.name])
        case .deleted(let redirect):
            writer.element("delete", ["node": node.name]) { writer in
                if let redirect { writer.element("redirect", ["uri": redirect]) }
            }
        case .configured:
            writer.element("configuration", ["node": node.name]) { writer in
                if node.configuration.deliversPayloads { node.configuration.form(.result).write(into: &writer) }
            }
        case .subscription(let subscription): subscription.write(into: &writer, node: node.name)
        case .request: break
        }
    }

    private func writeRequest(_ subscription: NodeSubscription, into writer: inout XMLWriter) {
        DataForm(
            .form, formType: SubscriptionApproval.formType,
            [
                DataForm.Field("pubsub#node", type: "text-single", label: "Node", node.name),
                DataForm.Field(
                    "pubsub#subscriber_jid", type: "jid-single", label: "Subscriber", subscription.jid.description),
                DataForm.Field("pubsub#subid", type: "hidden", subscription.id),
                DataForm.Field("pubsub#allow", type: "boolean", label: "Whether to allow the subscription", "0"),
            ]
        ).write(into: &writer)
    }
}

extension NodeItem {
    func write(into writer: inout XMLWriter, of node: Node, withPayload: Bool = true) {
        let tellsPublisher = node.configuration.itemReply == .publisher
        writer.element("item", ["id": id, "publisher": tellsPublisher ? publisher.bare.description : nil]) { writer in
            if withPayload, !payload.isEmpty { writer.raw(ByteBuffer(string: payload)) }
        }
    }
}

extension NodeSubscription {
    func write(into writer: inout XMLWriter, node: String, _ content: (inout XMLWriter) -> Void = { _ in }) {
        writer.element(
            "subscription",
            ["node": node, "jid": jid.description, "subid": id, "subscription": state.rawValue], content)
    }
}
