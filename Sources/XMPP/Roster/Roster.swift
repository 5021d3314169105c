/// A user's contacts (RFC 6121 §2), with those who have only asked to become one.
///
/// Versions (§2.6) grow, and no two rosters that were ever shown to a client have the same one: they follow the time,
/// so that a version which was lost because the server stopped before writing it is not given again.
package struct Roster: Sendable {
    package private(set) var entries: [JID: RosterItem] = [:]
    /// The version of the last change.
    package private(set) var version: Int
    /// The contacts that were removed last, with the versions at which they were.
    package private(set) var removals: [JID: Int]
    /// Removals up to this version are remembered no more: who knows an older one needs the whole roster.
    package private(set) var forgotten: Int

    /// How many removals are remembered; a client that has missed more gets the whole roster.
    private static let rememberedRemovals = 100

    package init(items: [RosterItem] = [], removals: [JID: Int] = [:], version: Int = 0, forgotten: Int = 0) {
        for item in items { entries[item.jid] = item }
        self.version = version
        self.removals = removals
        self.forgotten = forgotten
    }

    package subscript(jid: JID) -> RosterItem? { entries[jid] }

    /// The items that belong to the roster, in no order: without those who have only asked for a subscription.
    package var items: some Sequence<RosterItem> { entries.values.lazy.filter(\.isListed) }

    package var count: Int { entries.values.reduce(0) { $0 + ($1.isListed ? 1 : 0) } }

    /// The requests for a subscription that wait for an answer, as they are to be delivered.
    package var requests: [[UInt8]] { entries.values.compactMap(\.request) }

    /// The contacts that receive the user's presence.
    package var subscribers: [JID] { entries.values.compactMap { $0.subscription.from ? $0.jid : nil } }

    /// The contacts whose presence the user receives.
    package var subscriptions: [JID] { entries.values.compactMap { $0.subscription.to ? $0.jid : nil } }

    // MARK: Changing

    /// Puts an item in the place of what was known of its contact.
    /// - Parameter time: in microseconds since 1970.
    /// - Returns: whether it is a change that the user sees, and so has to be pushed.
    package mutating func update(_ item: RosterItem, at time: Int) -> Bool {
        let before = entries[item.jid]
        guard item.isListed || item.subscription.pendingIn else {
            entries[item.jid] = nil
            return false
        }
        entries[item.jid] = item
        guard item.isListed, before?.visible != item.visible else { return false }
        advance(item.jid, to: time)
        return true
    }

    /// Puts an item into the roster as the user has asked for it: a change even if it was like that before (§2.4.2).
    package mutating func put(_ item: RosterItem, at time: Int) {
        entries[item.jid] = item
        entries[item.jid]?.isListed = true
        advance(item.jid, to: time)
    }

    /// Removes a contact.
    /// - Returns: the item that was there, nil if it was not in the roster.
    package mutating func remove(_ jid: JID, at time: Int) -> RosterItem? {
        guard let item = entries[jid], item.isListed else { return nil }
        entries[jid] = nil
        version = max(version + 1, time)
        removals[jid] = version
        if removals.count > Self.rememberedRemovals, let oldest = removals.min(by: { $0.value < $1.value }) {
            removals[oldest.key] = nil
            forgotten = oldest.value
        }
        return item
    }

    private mutating func advance(_ jid: JID, to time: Int) {
        version = max(version + 1, time)
        entries[jid]?.version = version
        removals[jid] = nil
    }

    // MARK: Versions

    /// What has become of one contact, and at which version.
    package struct Change: Sendable {
        package let contact: JID
        /// Nil if the contact was removed.
        package let item: RosterItem?
        package let version: Int
    }

    /// What is to be told of a contact now.
    package func change(of contact: JID) -> Change {
        if let item = entries[contact], item.isListed {
            return Change(contact: contact, item: item, version: item.version)
        }
        return Change(contact: contact, item: nil, version: removals[contact] ?? version)
    }

    /// What somebody who knows an earlier version has missed, in order (§2.6.3); nil if it cannot be told and the
    /// whole roster is to be sent.
    package func changes(since known: Int) -> [Change]? {
        if known == version { return [] }
        guard known < version, known >= forgotten else { return nil }
        // A version that nothing has now may be one that was lost: nobody knows what its holder believes.
        var isKnown = removals.values.contains(known)
        var changes: [Change] = []
        for item in items {
            if item.version == known { isKnown = true }
            if item.version > known { changes.append(Change(contact: item.jid, item: item, version: item.version)) }
        }
        guard isKnown else { return nil }
        for (contact, version) in removals where version > known {
            changes.append(Change(contact: contact, item: nil, version: version))
        }
        return changes.sorted { $0.version < $1.version }
    }
}
