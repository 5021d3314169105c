package import XMPP

/// What an entity has told of itself by its capabilities (XEP-0115, XEP-0390). One value serves all that are alike.
package final class Capabilities: Sendable {
    package let features: Set<String>
    /// The nodes that it wants to be notified of: its features that end in `+notify` (XEP-0060 §9.2).
    package let interests: Set<String>

    package init(features: Set<String>) {
        self.features = features
        interests = Set(features.lazy.filter { $0.hasSuffix("+notify") }.map { String($0.dropLast(7)) })
    }
}

extension AccountState {
    private static let sessionSlot = AccountSlot<[UInt64: Capabilities]>([:])
    private static let visitorSlot = AccountSlot<[JID: Capabilities]>([:])

    /// What is known of the account's sessions, by their ids.
    package var capabilities: [UInt64: Capabilities] {
        get { self[Self.sessionSlot] }
        _modify { yield &self[Self.sessionSlot] }
    }

    /// What is known of the resources that have sent their presence to the account and are of other servers, or of
    /// accounts that are not subscribed to it.
    package var visitors: [JID: Capabilities] {
        get { self[Self.visitorSlot] }
        _modify { yield &self[Self.visitorSlot] }
    }
}

/// A resource whose capabilities have become known, or have changed.
package struct KnownCapabilities: Sendable {
    package let jid: JID
    /// The account whose session it is, or which it has sent its presence to.
    package let account: Account
    package let isVisitor: Bool
    package let before: Capabilities?
    package let now: Capabilities

    package init(_ jid: JID, _ account: Account, isVisitor: Bool, before: Capabilities?, now: Capabilities) {
        self.jid = jid
        self.account = account
        self.isVisitor = isVisitor
        self.before = before
        self.now = now
    }
}
