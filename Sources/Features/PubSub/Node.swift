internal import XMPP

/// A leaf node of a service (XEP-0060 §4.4).
struct Node: Sendable {
    /// The number that its rows have.
    let id: Int
    /// The address of its service: an account or a hosted service.
    let service: JID
    let name: String
    /// A bare JID.
    let creator: JID
    let created: DateTime
    var configuration: NodeConfiguration

    /// Longer names, and ids of items, are refused; a resourcepart is not longer either.
    static let nameLimit = 1_023
}

/// What was published (XEP-0060 §7.1).
struct NodeItem: Sendable, Equatable {
    let id: String
    /// The full JID that has published it.
    let publisher: JID
    let published: DateTime
    /// The payload as text of its own; empty without one.
    let payload: String
}

/// A subscription to a node (XEP-0060 §4.2, §6).
struct NodeSubscription: Sendable, Equatable {
    enum State: String, Sendable {
        case none, pending, subscribed
    }

    /// The address that is notified.
    let jid: JID
    let id: String
    var state: State
    var options = SubscriptionOptions()
}
