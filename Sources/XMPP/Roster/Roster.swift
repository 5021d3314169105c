/// A user's contacts (RFC 6121 §2), with those who have only asked to become one.
package struct Roster: Sendable {
    package private(set) var entries: [JID: RosterItem] = [:]
    /// Counts the changes that roster pushes tell of (§2.6).
    package private(set) var version: Int
    /// The version at which an item was removed last: who knows an older one needs the whole roster.
    package private(set) var removal: Int

    package init(items: [RosterItem] = [], version: Int = 0, removal: Int = 0) {
        for item in items { entries[item.jid] = item }
        self.version = version
        self.removal = removal
    }

    package subscript(jid: JID) -> RosterItem? { entries[jid] }

    /// The items that belong to the roster, in no order: without those who have only asked for a subscription (§3.1.3:
    /// such a request does not yet make an item).
    package var items: some Sequence<RosterItem> { entries.values.lazy.filter(\.isShown) }

    package var count: Int { entries.values.reduce(0) { $0 + ($1.isShown ? 1 : 0) } }

    /// The contacts that receive the user's presence.
    package var subscribers: [JID] { entries.values.compactMap { $0.subscription.from ? $0.jid : nil } }

    /// The contacts whose presence the user receives.
    package var subscriptions: [JID] { entries.values.compactMap { $0.subscription.to ? $0.jid : nil } }

    /// Puts an item in the place of what was known of its contact.
    /// - Returns: the version if it is one that the user sees, and so has to be pushed.
    package mutating func update(_ item: RosterItem) -> Int? {
        let before = entries[item.jid]
        entries[item.jid] = item.isEmpty ? nil : item
        guard item.isShown || before?.isShown == true else { return nil }
        guard before?.visible != item.visible else { return nil }
        version += 1
        if item.isShown { entries[item.jid]?.version = version } else { removal = version }
        return version
    }

    /// Puts back what was known of a contact before a change that could not be kept.
    package mutating func restore(_ item: RosterItem?, at jid: JID) {
        entries[jid] = item
    }

    /// Removes a contact.
    /// - Returns: the item that was there, nil if none was shown.
    package mutating func remove(_ jid: JID) -> RosterItem? {
        guard let item = entries[jid], item.isShown else { return nil }
        entries[jid] = nil
        version += 1
        removal = version
        return item
    }
}

/// What a user's server knows of one contact (RFC 6121 §2.1.2).
package struct RosterItem: Sendable, Hashable {
    /// Usually a bare JID.
    package let jid: JID
    package var name: String?
    package var groups: [String]
    package var subscription: Subscription
    /// Whether the user has put the contact into the roster, as opposed to only having been asked by it.
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
        self.isListed = isListed
        self.version = version
        self.request = request
    }

    /// Whether the item is part of the roster that the user sees.
    package var isShown: Bool {
        // §3.4.2: an approval in advance makes an item.
        isListed || subscription.to || subscription.from || subscription.pendingOut || subscription.isApproved
    }

    /// Whether nothing is known worth keeping.
    package var isEmpty: Bool { !isShown && !subscription.pendingIn }

    fileprivate var visible: Visible? {
        guard isShown else { return nil }
        return Visible(
            name: name, groups: groups, subscription: subscription.attribute, ask: subscription.pendingOut,
            isApproved: subscription.isApproved)
    }

    /// What the user sees of an item, and is told of when it changes.
    fileprivate struct Visible: Equatable {
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
