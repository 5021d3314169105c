internal import Logging
internal import NIOCore
package import Server
package import Storage
package import XMPP

/// RFC 6121 §2: a user's contact list, kept on the server; with versions (§2.6, XEP-0237).
package struct Rosters: Feature {
    package static let xeps = [237]
    package static let migrations = RosterStore.migrations
    package static let settings = [AnySetting(itemLimit)]

    static let itemLimit = Setting(
        "roster.items", default: 3_000, in: 10...100_000, "How many contacts one person may have.")

    private unowned let kernel: Kernel
    private let limit: Int

    package init(kernel: Kernel) {
        self.kernel = kernel
        limit = kernel.configuration[Self.itemLimit]
    }

    package var registrations: [[Registration]] {
        [
            Registration.stream(AnnouncedFeature("ver", in: .rosterVersioning)),
            Registration.stream(AnnouncedFeature("sub", in: .preApproval)),
            Registration.loading { account, transaction, state in
                state.roster = try RosterStore.load(account, transaction)
            },
            Registration.iq(.get, "query", in: .roster, on: .account, .inline { request, loop, session, writer throws(StanzaError) in
                try get(request, loop, session, into: &writer)
            }),
            Registration.iq(.set, "query", in: .roster, on: .account, .ordered { request throws(StanzaError) in
                try await set(request)
                return nil
            }),
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try RosterStore.remove(account, transaction)
    }

    // MARK: Get

    private func get(
        _ request: IQRequest, _ loop: LoopContext, _ session: Session?, into writer: inout XMLWriter
    ) throws(StanzaError) {
        guard request.isOwn, let account = request.account, let session else { throw StanzaError(.forbidden) }
        let known = request.payload["ver"]
        let roster = account.withState { state in
            state.updateSession(session.handle.id) { $0.isInterested = true }
            return state.roster
        }
        guard let known, let version = Int(known), version <= roster.version, version >= roster.removal else {
            writer.element("query", in: .roster, ["ver": "\(roster.version)"]) { writer in
                for item in roster.items { item.write(into: &writer) }
            }
            return
        }
        // §2.6.3: an empty result, and then a push for each item that has changed since.
        let changed = roster.items.filter { $0.version > version }.sorted { $0.version < $1.version }
        guard !changed.isEmpty else { return }
        let reference = loop.kernel.loops[loop.index]
        let handle = session.handle
        reference.execute { loop in
            for item in changed {
                loop.send(RosterPush.push(item.jid, item, version: item.version, to: handle.jid).serialized, to: handle)
            }
        }
    }

    // MARK: Set

    private func set(_ request: IQRequest) async throws(StanzaError) {
        guard request.isOwn, let account = request.account else { throw StanzaError(.forbidden) }
        // §2.3.3
        var items = request.payload.children
        guard let element = items.next(), element.isNamed("item", in: .roster), items.next() == nil else {
            throw StanzaError(.badRequest, "a roster set has exactly one item")
        }
        guard let address = element["jid"] else { throw StanzaError(.badRequest, "the item has no jid") }
        let contact: JID
        do { contact = try JID(address) } catch { throw StanzaError(.jidMalformed, error.description) }
        if element["subscription"] == "remove" {
            try await remove(contact, from: account)
        } else {
            try await update(contact, try Self.details(of: element), in: account)
        }
    }

    /// The name and groups of an item, checked (§2.3.3).
    private static func details(of element: Element) throws(StanzaError) -> (name: String?, groups: [String]) {
        let name = element["name"]
        guard (name?.utf8.count ?? 0) <= 1_023 else { throw StanzaError(.notAcceptable, "the name is too long") }
        let groups = element.children.filter { $0.isNamed("group", in: .roster) }.map(\.text)
        guard groups.count <= 100 else { throw StanzaError(.notAcceptable, "too many groups") }
        for group in groups {
            guard !group.isEmpty else { throw StanzaError(.notAcceptable, "a group has no name") }
            guard group.utf8.count <= 1_023 else { throw StanzaError(.notAcceptable, "a group's name is too long") }
        }
        guard Set(groups).count == groups.count else { throw StanzaError(.badRequest, "a group is named twice") }
        return (name.flatMap { $0.isEmpty ? nil : $0 }, groups)
    }

    private func update(
        _ contact: JID, _ details: (name: String?, groups: [String]), in account: Account
    ) async throws(StanzaError) {
        guard contact.isBare || contact.isFull, contact != account.jid else {
            throw StanzaError(.notAllowed, "you are not a contact of your own")
        }
        try await change(contact, of: account) { roster throws(StanzaError) in
            var item = roster[contact] ?? RosterItem(jid: contact)
            guard item.isShown || roster.count < limit else {
                throw StanzaError(.resourceConstraint, "the roster is full", kind: .cancel)
            }
            item.name = details.name
            item.groups = details.groups
            item.isListed = true
            _ = roster.update(item)
        }
    }

    /// §2.5: the contact goes, and with it all subscriptions.
    private func remove(_ contact: JID, from account: Account) async throws(StanzaError) {
        let before = account.withState { $0.roster[contact] }
        try await change(contact, of: account) { roster throws(StanzaError) in
            guard roster.remove(contact) != nil else { throw StanzaError(.itemNotFound) }
        }
        guard let subscription = before?.subscription else { return }
        kernel.loops[0].execute { loop in
            // §2.5.2: what the contact's server has to know.
            if subscription.to || subscription.pendingOut {
                loop.kernel.send(Stanza(.presence, type: .unsubscribe, from: account.jid, to: contact.bare), on: loop)
            }
            if subscription.from || subscription.pendingIn {
                loop.kernel.send(Stanza(.presence, type: .unsubscribed, from: account.jid, to: contact.bare), on: loop)
            }
            guard subscription.from else { return }
            for session in account.sessions where session.isAvailable {
                loop.kernel.send(
                    Stanza(.presence, type: .unavailable, from: session.handle.jid, to: contact.bare), on: loop)
            }
        }
    }

    /// Changes the roster in memory and on disk, and tells the account's resources when it is on disk.
    private func change(
        _ contact: JID, of account: Account, _ body: (inout Roster) throws(StanzaError) -> Void
    ) async throws(StanzaError) {
        // Handed over under the lock, so that the disk sees changes in the order of memory.
        var before: RosterItem?
        let written = try account.withState { state throws(StanzaError) in
            before = state.roster[contact]
            try body(&state.roster)
            return kernel.database.beginWrite(RosterStore.save(state.roster, of: account.jid, contact: contact))
        }
        do {
            try await written.value
        } catch {
            account.withState { $0.roster.restore(before, at: contact) }
            kernel.logger.error(
                "A roster cannot be written.", metadata: [LogKeys.jid: "\(account.jid)", LogKeys.reason: "\(error)"])
            throw StanzaError(.internalServerError, kind: .wait)
        }
        kernel.loops[0].execute { RosterPush.send(contact, of: account, on: $0) }
    }
}

extension Namespace {
    package static let roster: Namespace = "jabber:iq:roster"
    /// RFC 6121 §2.6
    package static let rosterVersioning: Namespace = "urn:xmpp:features:rosterver"
    /// RFC 6121 §3.4
    package static let preApproval: Namespace = "urn:xmpp:features:pre-approval"
}
