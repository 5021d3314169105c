internal import NIOCore
package import Server
package import Storage
package import XMPP

/// XEP-0191: a user names addresses from which nothing arrives and to which nothing goes.
///
/// Blocked contacts see the user as offline; their subscriptions stay ("polite blocking", §4).
package struct Blocking: Feature {
    package static let xeps = [191]
    package static let settings = [AnySetting(addressLimit)]
    package static let migrations = BlocklistStore.migrations

    static let addressLimit = Setting(
        "blocking.addresses", default: 1_000, in: 10...100_000, "How many addresses one user may block.")

    private static let list = AccountSlot(Blocklist())
    /// The sessions that have asked for the list and so are told of changes.
    private static let interested = AccountSlot<Set<SessionHandle>>([])

    private unowned let kernel: Kernel
    private let limit: Int

    package init(kernel: Kernel) {
        self.kernel = kernel
        limit = kernel.configuration[Self.addressLimit]
    }

    package var registrations: [[Registration]] {
        [
            // §3.1: asked of the server.
            Registration.advertise(.blocking, on: .server),
            Registration.loading { account, transaction, state in
                let list = try BlocklistStore.load(account, transaction)
                if !list.isEmpty { state[Self.list] = list }
            },
            Registration.iq(.get, "blocklist", in: .blocking, on: .account, .inline { request, _, session, writer throws(StanzaError) in
                try get(request, session, into: &writer)
            }),
            Registration.iq(.set, "block", in: .blocking, on: .account, .ordered { request throws(StanzaError) in
                try await block(request)
                return nil
            }),
            Registration.iq(.set, "unblock", in: .blocking, on: .account, .ordered { request throws(StanzaError) in
                try await unblock(request)
                return nil
            }),
            Registration.sessionEnded { session, _ in
                session.account.withState { state in
                    guard !state[Self.interested].isEmpty else { return }
                    state[Self.interested].remove(session.handle)
                }
            },
            Registration.sessionPart("blocklist") { session in
                session.account.withState { $0[Self.interested].contains(session.handle) } ? [] : nil
            } restore: { session, _ in
                session.account.withState { _ = $0[Self.interested].insert(session.handle) }
            },
            Registration.message(.toAccount, .reject, Self.received),
            Registration.presence(.toAccount, .reject, Self.received),
            Registration.anyIQ(.toAccount, .reject, Self.received),
            Registration.message(.fromClient, .reject, Self.sent),
            Registration.presence(.fromClient, .reject, Self.sent),
            Registration.anyIQ(.fromClient, .reject, Self.sent),
            Registration.message(.fromAccount, .reject, Self.sent),
            Registration.presence(.fromAccount, .reject, Self.sent),
            Registration.anyIQ(.fromAccount, .reject, Self.sent),
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try BlocklistStore.remove(account, transaction)
    }

    // MARK: Stanzas on their way

    /// §3.3: nothing of a blocked address reaches the user, to whom it seems that the user is offline.
    private static let received: StanzaHook = { stanza, scope throws(StanzaError) in
        guard let from = stanza.from, blocks(from, scope.account) else { return .next }
        switch (stanza.kind, stanza.type) {
        case (.message, .normal), (.message, .chat), (.iq, .get), (.iq, .set): throw StanzaError(.serviceUnavailable)
        // A room would take an error for the end of the user's presence there; headlines are never answered.
        case (.message, _), (.presence, _), (.iq, _): return .handled
        }
    }

    private static let sent: StanzaHook = { stanza, scope throws(StanzaError) in
        guard let to = stanza.to, blocks(to, scope.account) else { return .next }
        throw StanzaError(.notAcceptable, kind: .cancel, application: ("blocked", .blockingErrors))
    }

    private static func blocks(_ address: JID, _ account: Account) -> Bool {
        guard account.has(Self.list.mark) else { return false }
        let list = account.withState { $0[Self.list] }
        // §5: never the user's own resources.
        return !list.isEmpty && !address.hasSameBare(as: account.jid) && list.matches(address)
    }

    // MARK: The list

    private func get(_ request: IQRequest, _ session: Session?, into writer: inout XMLWriter) throws(StanzaError) {
        guard request.isOwn, let account = request.account, let session else { throw StanzaError(.forbidden) }
        let addresses = account.withState { state in
            state[Self.interested].insert(session.handle)
            return state[Self.list].addresses
        }
        writer.element("blocklist", in: .blocking) { Self.writeItems(addresses, into: &$0) }
    }

    private static func writeItems(_ addresses: Set<JID>, into writer: inout XMLWriter) {
        for address in addresses.map(\.description).sorted() { writer.element("item", ["jid": address]) }
    }

    /// The addresses of a request.
    private func items(of request: IQRequest) throws(StanzaError) -> Set<JID> {
        var result: Set<JID> = []
        for item in request.payload.children where item.isNamed("item", in: .blocking) {
            guard let address = item["jid"] else { throw StanzaError(.badRequest, "an item has no jid") }
            do { result.insert(try JID(address)) } catch { throw StanzaError(.jidMalformed, error.description) }
        }
        return result
    }

    // MARK: Changes

    private func block(_ request: IQRequest) async throws(StanzaError) {
        guard request.isOwn, let account = request.account else { throw StanzaError(.forbidden) }
        let addresses = try items(of: request)
        guard !addresses.isEmpty else { throw StanzaError(.badRequest, "nobody is to be blocked") }
        let (added, seen, written) = try account.withState { state throws(StanzaError) in
            let before = state[Self.list]
            let added = addresses.subtracting(before.addresses)
            guard before.addresses.count + added.count <= limit else {
                throw StanzaError(.resourceConstraint, "the block list is full", kind: .cancel)
            }
            state[Self.list].block(added)
            // Who was blocked before has been told that the user is offline.
            let seen = state.roster.subscribers.filter { Self.concerns($0, added) && !before.matches($0) }
            return (added, seen, kernel.database.beginWrite(BlocklistStore.add(added, to: account.jid)))
        }
        do { try await written.value } catch {
            account.withState { $0[Self.list].unblock(added) }
            throw kernel.refusal(of: error, account.jid)
        }
        let subscribers = seen.flatMap { Self.receivers($0, added) }
        for session in account.sessions {
            kernel.find(session.handle) { session, _ in
                if let session { Self.disappear(session, subscribers, added) }
            }
        }
        kernel.loops[0].execute { Self.push("block", addresses, to: account, on: $0) }
        for body in kernel.registry.addressesBlocked { await body(account.jid, request.payload) }
    }

    private func unblock(_ request: IQRequest) async throws(StanzaError) {
        guard request.isOwn, let account = request.account else { throw StanzaError(.forbidden) }
        let addresses = try items(of: request)
        // §3.5: without items, everybody.
        guard !addresses.isEmpty || request.payload.firstChild == nil else {
            throw StanzaError(.badRequest, "nobody is to be unblocked")
        }
        let (removed, unseen, written) = account.withState { state in
            let before = state[Self.list]
            let removed = addresses.isEmpty ? before.addresses : before.addresses.intersection(addresses)
            state[Self.list].unblock(removed)
            let list = state[Self.list]
            let contacts = Set(state.roster.subscribers).union(state.roster.subscriptions)
            let unseen = contacts.filter { Self.concerns($0, removed) && !list.matches($0) }
            return (removed, unseen, kernel.database.beginWrite(BlocklistStore.remove(removed, from: account.jid)))
        }
        do { try await written.value } catch {
            account.withState { $0[Self.list].block(removed) }
            throw kernel.refusal(of: error, account.jid)
        }
        kernel.loops[0].execute { loop in
            for contact in unseen { Self.exchangePresence(account, contact, removed, on: loop) }
            Self.push("unblock", addresses, to: account, on: loop)
        }
    }

    // MARK: Presence

    /// Whether a contact, or one of its resources, is among the addresses.
    private static func concerns(_ contact: JID, _ addresses: Set<JID>) -> Bool {
        Blocklist(addresses).matches(contact) || addresses.contains { $0.isFull && $0.hasSameBare(as: contact) }
    }

    /// Where a contact's presence goes when addresses are blocked or unblocked: only to the resources named, unless
    /// all of them are meant.
    private static func receivers(_ contact: JID, _ addresses: Set<JID>) -> [JID] {
        Blocklist(addresses).matches(contact)
            ? [contact] : addresses.filter { $0.isFull && $0.hasSameBare(as: contact) }
    }

    /// §3.3: "the user's server MUST send unavailable presence information to the JID" if it has seen the user.
    private static func disappear(_ session: Session, _ subscribers: [JID], _ addresses: Set<JID>) {
        let list = Blocklist(addresses)
        let (directed, isAvailable) = session.account.withState { state in
            (
                DirectedPresence.remove(session.handle, in: &state) { list.matches($0) },
                state.sessions.contains { $0.handle == session.handle && $0.isAvailable }
            )
        }
        for receiver in directed.union(isAvailable ? subscribers : []) {
            // Past the hooks, which would stop it.
            _ = try? session.kernel.router.route(
                Stanza(.presence, type: .unavailable, from: session.jid, to: receiver), on: session.loop)
        }
    }

    /// §3.4: "the user's server MUST send the user's current presence information to the JID"; and the user learns
    /// the contact's.
    private static func exchangePresence(
        _ account: Account, _ contact: JID, _ addresses: Set<JID>, on loop: LoopContext
    ) {
        let (subscription, sessions) = account.withState { ($0.roster[contact]?.subscription, $0.sessions) }
        for session in sessions {
            guard let presence = session.presence else { continue }
            if subscription?.from == true {
                for receiver in receivers(contact, addresses) {
                    var stanza = Stanza(.presence, type: .available, from: session.handle.jid, to: receiver)
                    stanza.content = presence.content
                    stanza.language = presence.language
                    loop.kernel.send(stanza, on: loop)
                }
            }
            if subscription?.to == true {
                loop.kernel.send(Stanza(.presence, type: .probe, from: session.handle.jid, to: contact), on: loop)
            }
        }
    }

    // MARK: Pushes

    /// §3.3, §3.4: the resources that have asked for the list learn what has changed.
    private static func push(_ name: StaticString, _ addresses: Set<JID>, to account: Account, on loop: LoopContext) {
        let receivers = account.withState { $0[interested] }
        for receiver in receivers {
            let push = Stanza(
                .iq, type: .set, from: nil, to: receiver.jid, id: "block-\(UInt64.random(in: .min ... .max))"
            ) { writer in
                writer.element(name, in: .blocking) { writeItems(addresses, into: &$0) }
            }
            loop.send(push.serialized, to: receiver)
        }
    }
}

extension Namespace {
    package static let blocking: Namespace = "urn:xmpp:blocking"
    package static let blockingErrors: Namespace = "urn:xmpp:blocking:errors"
}
