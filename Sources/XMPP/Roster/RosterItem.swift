/// What a user's server knows of one contact (RFC 6121 §2.1.2).
package struct RosterItem: Sendable, Hashable {
    /// Usually a bare JID.
    package let jid: JID
    package var name: String?
    package var groups: [String]
    /// Any state but "None" and "None + Pending In" makes an item of the roster, which stays when the state ends.
    package var subscription: Subscription {
        didSet { if subscription.makesItem { isListed = true } }
    }
    /// Whether the contact is in the roster, as opposed to only having asked for a subscription (A.1).
    package var isListed: Bool
    /// The version of the roster that the item was changed in last.
    package var version: Int
    /// The contact's unanswered request, as it is to be delivered again at the next log-in (§3.1.3).
    package var request: [UInt8]?

    package init(
        jid: JID, name: String? = nil, groups: [String] = [], subscription: Subscription = Subscription(),
        isListed: Bool = false, version: Int = 0, request: [UInt8]? = nil
    ) {
        self.jid = jid
        self.name = name
        self.groups = groups
        self.subscription = subscription
        self.isListed = isListed || subscription.makesItem
        self.version = version
        self.request = request
    }

    /// Nil of an item that the user does not see.
    var visible: Visible? {
        guard isListed else { return nil }
        return Visible(
            name: name, groups: groups, subscription: subscription.attribute, ask: subscription.pendingOut,
            isApproved: subscription.isApproved)
    }

    /// What the user sees of an item, and is told of when it changes.
    struct Visible: Equatable {
        let name: String?
        let groups: [String]
        let subscription: String
        let ask: Bool
        let isApproved: Bool
    }

    /// Writes `<item/>`.
    package func write(into writer: inout XMLWriter) {
        writer.element(
            "item",
            [
                "jid": jid.description, "name": name, "subscription": subscription.attribute,
                "ask": subscription.pendingOut ? "subscribe" : nil, "approved": subscription.isApproved ? "true" : nil,
            ]
        ) { writer in
            for group in groups { writer.element("group", text: group) }
        }
    }
}

extension Subscription {
    /// §3.1.2, §3.4.2, A.1
    fileprivate var makesItem: Bool { to || from || pendingOut || isApproved }
}
