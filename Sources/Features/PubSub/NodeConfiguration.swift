internal import XMPP

/// What an owner can configure of a node (XEP-0060 §16.4.4).
struct NodeConfiguration: Sendable, Equatable {
    /// A number or `max`: as much as the server allows.
    enum Amount: Sendable, Equatable, CustomStringConvertible {
        case max
        case number(Int)

        var description: String {
            switch self {
            case .max: "max"
            case .number(let number): String(number)
            }
        }
    }

    enum SendLast: String, Sendable, CaseIterable {
        case never
        case onSub = "on_sub"
        case onSubAndPresence = "on_sub_and_presence"
    }

    enum WhenFull: String, Sendable, CaseIterable {
        case retractOldest = "retract-oldest"
        case discardOldest = "discard-oldest"
        case reject
    }

    enum ItemReply: String, Sendable, CaseIterable {
        case owner, publisher, none
    }

    enum NotificationType: String, Sendable, CaseIterable {
        case normal, headline
    }

    var title = ""
    var description = ""
    var language = ""
    /// The namespace of payloads; empty if any may be published.
    var type = ""
    var contacts: [String] = []
    var accessModel = AccessModel.open
    var rosterGroups: [String] = []
    var publishModel = PublishModel.publishers
    var persistItems = true
    var maxItems = Amount.max
    /// In seconds.
    var itemExpire = Amount.max
    var whenFull = WhenFull.retractOldest
    /// In bytes.
    var maxPayloadSize: Int
    var allowsSubscriptions = true
    var temporarySubscriptions = false
    var deliversNotifications = true
    var deliversPayloads = true
    var notifiesConfiguration = false
    var notifiesDeletion = true
    var notifiesRetraction = true
    var sendLast = SendLast.onSubAndPresence
    var itemReply = ItemReply.none
    var notificationType = NotificationType.headline

    /// The defaults of a hosted service.
    static func service(_ limits: PubSubLimits) -> NodeConfiguration {
        var configuration = NodeConfiguration(maxPayloadSize: limits.payloadSize)
        configuration.sendLast = .onSub
        return configuration
    }

    /// The defaults of an account (XEP-0163 §5): seen by contacts, one item at a time.
    static func personal(_ limits: PubSubLimits) -> NodeConfiguration {
        var configuration = NodeConfiguration(maxPayloadSize: limits.payloadSize)
        configuration.accessModel = .presence
        configuration.maxItems = .number(1)
        return configuration
    }

    /// How many items are kept at most.
    func itemLimit(_ limits: PubSubLimits) -> Int {
        guard persistItems else { return 0 }
        switch maxItems {
        case .max: return limits.itemsPerNode
        case .number(let number): return min(number, limits.itemsPerNode)
        }
    }

    /// Items that were published before have expired.
    func expiry(at now: DateTime) -> DateTime? {
        guard case .number(let seconds) = itemExpire else { return nil }
        return DateTime(milliseconds: now.milliseconds - Int64(seconds) * 1_000)
    }
}

/// What the administrator lets services hold.
struct PubSubLimits: Sendable, Equatable {
    var nodes = 500
    var itemsPerNode = 1_000
    var payloadSize = 262_144
    /// Of all payloads of one account, and of all in the nodes that somebody has created at a service.
    var bytes = 67_108_864
    /// Subscriptions to one node, and entities affiliated with it.
    var entitiesPerNode = 10_000
    /// Subscriptions of one bare JID to one node.
    var subscriptionsPerEntity = 20
}
