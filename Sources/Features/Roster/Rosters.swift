internal import Logging
internal import NIOCore
package import Server
package import Storage
package import XMPP

/// RFC 6121 §2: a user's contact list, kept on the server; with versions (§2.6, XEP-0237).
package struct Rosters: Feature {
    package static let xeps = [237]
    package static let migrations = RosterStore.migrations
    package static let settings = [AnySetting(itemLimit), AnySetting(requestLimit)]

    static let itemLimit = Setting(
        "roster.items", default: 3_000, in: 10...100_000, "How many contacts one person may have.")
    static let requestLimit = Setting(
        "roster.requests", default: 500, in: 10...100_000,
        "How many people who are no contacts may wait for one person's answer to their requests for a subscription.")

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
        let known = request.payload["ver"].flatMap { Int($0) }
        // §2.6.3: an empty result, and then a push for each item that has changed since.
        if let known, account.withState({ $0.roster.changes(since: known) }) != nil {
            return catchUp(session.handle, of: account, since: known)
        }
        let roster = account.withState { state in
            state.updateSession(session.handle.id) { $0.isInterested = true }
            return state.roster
        }
        writer.element("query", in: .roster, ["ver": "\(roster.version)"]) { writer in
            for item in roster.items { item.write(into: &writer) }
        }
    }

    /// Pushes what has changed since a version, after the result that is being made now; what changes later is pushed
    /// as it does.
    private func catchUp(_ handle: SessionHandle, of account: Account, since version: Int) {
        kernel.loops[handle.loop].execute { loop in
            let changes = account.withState { state in
                state.updateSession(handle.id) { $0.isInterested = true }
                return state.roster.changes(since: version)
            }
            for change in changes ?? [] {
                loop.send(RosterPush.push(change, to: handle.jid).serialized, to: handle)
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
        guard contact.bare != account.jid else { throw StanzaError(.notAllowed, "you are not a contact of your own") }
        try await written { [kernel, limit] done in
            kernel.rosterLoop.execute { loop in
                done(
                    Result { () throws(StanzaError) in
                        let write = try account.withState { state throws(StanzaError) in
                            var item = state.roster[contact] ?? RosterItem(jid: contact)
                            guard item.isListed || state.roster.count < limit else {
                                throw StanzaError(.resourceConstraint, "the roster is full", kind: .cancel)
                            }
                            item.name = details.name
                            item.groups = details.groups
                            state.roster.put(item, at: kernel.rosterTime)
                            return kernel.database.beginWrite(
                                RosterStore.save(state.roster, of: account.jid, contact: contact))
                        }
                        RosterPush.send(contact, of: account, on: loop)
                        return write
                    })
            }
        }
    }

    /// §2.5: the contact goes, and with it all subscriptions.
    private func remove(_ contact: JID, from account: Account) async throws(StanzaError) {
        try await written { [kernel] done in
            kernel.changeRosters(with: contact, from: nil) { loop, isKnown in
                guard isKnown else { return done(.failure(StanzaError(.internalServerError, kind: .wait))) }
                kernel.endSubscription(between: account.jid, and: contact, on: loop) { loop in
                    done(Result { () throws(StanzaError) in try remove(contact, from: account, on: loop) })
                }
            }
        }
    }

    private func remove(
        _ contact: JID, from account: Account, on loop: LoopContext
    ) throws(StanzaError) -> PendingWrite {
        let (item, available, write) = try account.withState { state throws(StanzaError) in
            guard let item = state.roster.remove(contact, at: kernel.rosterTime) else {
                throw StanzaError(.itemNotFound)
            }
            let write = kernel.database.beginWrite(
                RosterStore.save(state.roster, of: account.jid, contact: contact))
            return (item, state[Presences.told].available, write)
        }
        RosterPush.send(contact, of: account, on: loop)
        end(item.subscription, of: account, available, to: contact, on: loop)
        return write
    }

    /// §2.5.2: what the contact's server has to know of a removal.
    private func end(
        _ subscription: Subscription, of account: Account, _ available: [SessionHandle], to contact: JID,
        on loop: LoopContext
    ) {
        if subscription.from {
            // §3.2.2: while the contact is still subscribed.
            for resource in available {
                kernel.send(Stanza(.presence, type: .unavailable, from: resource.jid, to: contact.bare), on: loop)
            }
        }
        if subscription.from || subscription.pendingIn {
            kernel.send(Stanza(.presence, type: .unsubscribed, from: account.jid, to: contact.bare), on: loop)
        }
        if subscription.to || subscription.pendingOut {
            kernel.send(Stanza(.presence, type: .unsubscribe, from: account.jid, to: contact.bare), on: loop)
        }
    }

    /// Makes a change and waits until it is on disk. If it cannot be written it stands until the server stops; clients
    /// that were told of it get the whole roster afterwards, for nobody knows its version then.
    private func written(
        _ change: (@escaping @Sendable (Result<PendingWrite, StanzaError>) -> Void) -> Void
    ) async throws(StanzaError) {
        let write = try await withCheckedContinuation { continuation in
            change { continuation.resume(returning: $0) }
        }.get()
        do {
            try await write.value
        } catch {
            kernel.logger.error("A roster cannot be written.", metadata: [LogKeys.reason: "\(error)"])
            throw StanzaError(.internalServerError, kind: .wait)
        }
    }
}

extension Namespace {
    package static let roster: Namespace = "jabber:iq:roster"
    /// RFC 6121 §2.6
    package static let rosterVersioning: Namespace = "urn:xmpp:features:rosterver"
    /// RFC 6121 §3.4
    package static let preApproval: Namespace = "urn:xmpp:features:pre-approval"
}
