import Server
import Testing
import XMPP

@testable import Features

/// RFC 6121 §3, on a running server.
@Suite(.timeLimit(.minutes(1)))
struct PresenceSubscriptionTests {
    private let romeo: JID
    private let juliet: JID

    init() throws {
        romeo = try JID("user1@localhost")
        juliet = try JID("user2@localhost")
    }

    private func presence(_ type: String, to: JID, content: String = "") -> String {
        "<presence type='\(type)' to='\(to)'>\(content)</presence>"
    }

    private func subscription(_ user: JID, to contact: JID, _ server: TestServer) -> Subscription {
        server.roster(of: user)?[contact]?.subscription ?? Subscription()
    }

    /// Puts a state into both rosters without anybody noticing.
    private func set(_ subscription: Subscription, of user: JID, to contact: JID, _ server: TestServer) {
        let mirror = Subscription(
            to: subscription.from, from: subscription.to, pendingOut: subscription.pendingIn,
            pendingIn: subscription.pendingOut)
        for (user, contact, subscription) in [(user, contact, subscription), (contact, user, mirror)] {
            server.kernel.accounts[user]?.withState { state in
                _ = state.roster.update(RosterItem(jid: contact, subscription: subscription), at: 1)
            }
        }
    }

    // MARK: The whole story

    @Test func subscribingBothWays() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            let phone = try await server.connect(2, "phone")
            phone.send("<presence><show>away</show></presence>")
            let laptop = try await server.connect(2, "laptop")
            laptop.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
            try await server.settle()
            server.forget()

            desk.send(presence("subscribe", to: juliet, content: "<status>Hello</status>"))
            try await server.settle()
            #expect(desk.take().map(\.description) == ["push user2@localhost none ask=subscribe"])
            // §3.1.3: to available resources; no item is made, so interested ones hear nothing.
            #expect(phone.take().map(\.description) == ["presence user1@localhost subscribe"])
            #expect(laptop.take().isEmpty)

            phone.send(presence("subscribed", to: romeo))
            try await server.settle()
            // §3.1.6: the approval before the push, and then the presence.
            #expect(
                desk.take().map(\.description) == [
                    "presence user2@localhost subscribed", "push user2@localhost to",
                    "presence user2@localhost/phone away",
                ])
            #expect(phone.take().isEmpty)
            #expect(laptop.take().map(\.description) == ["push user1@localhost from"])

            phone.send(presence("subscribe", to: romeo))
            try await server.settle()
            desk.send(presence("subscribed", to: juliet))
            try await server.settle()
            #expect(
                desk.take().map(\.description) == [
                    "presence user2@localhost subscribe", "push user2@localhost both",
                ])
            // §3.1.6: the approval goes to interested resources, the presence to available ones.
            #expect(phone.take().map(\.description) == ["presence user1@localhost/desk"])
            #expect(
                laptop.take().map(\.description) == [
                    "push user1@localhost from ask=subscribe", "presence user1@localhost subscribed",
                    "push user1@localhost both",
                ])
        }
    }

    @Test func addressesAreBare() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            let phone = try await server.goOnline(2, "phone")
            for type in ["subscribe", "unsubscribe"] {
                desk.send("<presence type='\(type)' id='i' to='user2@localhost/phone'/>")
                try await server.settle()
                let received = try #require(phone.take().first)
                #expect(received.from == "user1@localhost")
                #expect(received.to == "user2@localhost")
                #expect(received.id == "i")
                #expect(received.type == type)
            }
        }
    }

    // MARK: Every transition (Appendix A), with both rosters in agreement before and after

    @Test(arguments: [StanzaType.subscribe, .unsubscribe, .subscribed, .unsubscribed], [false, true])
    func transitions(_ type: StanzaType, isApproved: Bool) async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            let phone = try await server.goOnline(2, "phone")
            for to in [false, true] {
                for from in [false, true] {
                    for pendingOut in [false, true] where !(pendingOut && to) {
                        for pendingIn in [false, true] where !(pendingIn && from) {
                            var mine = Subscription(to: to, from: from, pendingOut: pendingOut, pendingIn: pendingIn)
                            let before = mine
                            set(mine, of: desk.bare, to: phone.bare, server)
                            if isApproved, !from, !pendingIn {
                                mine.isApproved = true
                                server.kernel.accounts[desk.bare]?.withState { state in
                                    _ = state.roster.update(RosterItem(jid: phone.bare, subscription: mine), at: 1)
                                }
                            }
                            let shown = server.roster(of: desk.bare)?[phone.bare]
                            try await transition(type, mine, desk, phone, server)
                            let isVisible =
                                server.roster(of: desk.bare)?[phone.bare]?.version ?? 0 != shown?.version ?? 0
                            let pushes = desk.take().filter(\.isPush).count
                            #expect(pushes == (isVisible ? 1 : 0), "\(type) in \(before)")
                            _ = phone.take()
                        }
                    }
                }
            }
        }
    }

    private func transition(
        _ type: StanzaType, _ before: Subscription, _ desk: TestClient, _ phone: TestClient, _ server: TestServer
    ) async throws {
        var mine = before
        var theirs = subscription(phone.bare, to: desk.bare, server)
        let hadPresence = theirs.to
        let outgoing = mine.sent(type)
        var received: [String] = []
        if outgoing == .route {
            if type == .unsubscribed, hadPresence { received.append("presence user1@localhost/desk unavailable") }
            if theirs.received(type) == .deliver { received.append("presence user1@localhost \(type)") }
            if type == .subscribed { received.append("presence user1@localhost/desk") }
        }
        desk.send("<presence type='\(type)' to='\(phone.bare)'/>")
        try await server.settle()
        #expect(phone.take().filter { !$0.isPush }.map(\.description) == received, "\(type) in \(before)")
        #expect(subscription(desk.bare, to: phone.bare, server) == mine, "\(type) in \(before)")
        #expect(subscription(phone.bare, to: desk.bare, server) == theirs, "\(type) in \(before)")
        #expect(mine.to == theirs.from)
        #expect(mine.from == theirs.to)
        #expect(mine.pendingOut == theirs.pendingIn)
        #expect(mine.pendingIn == theirs.pendingOut)
    }

    // MARK: Ends

    @Test func cancelling() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            let phone = try await server.goOnline(2, "phone")
            let laptop = try await server.goOnline(2, "laptop")
            set(Subscription(to: true, from: true), of: romeo, to: juliet, server)
            server.forget()
            phone.send(presence("unsubscribed", to: romeo))
            try await server.settle()
            // §3.2.2: unavailable "while the user is still subscribed"; §3.2.3: the push last.
            #expect(
                desk.take().map(\.description) == [
                    "presence user2@localhost/phone unavailable", "presence user2@localhost/laptop unavailable",
                    "presence user2@localhost unsubscribed", "push user2@localhost from",
                ])
            #expect(laptop.take().map(\.description) == ["push user1@localhost to"])
            phone.send("<presence><show>dnd</show></presence>")
            try await server.settle()
            #expect(desk.take().isEmpty)
        }
    }

    @Test func denyingTellsNothingOfThePresence() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            let phone = try await server.goOnline(2, "phone")
            desk.send(presence("subscribe", to: juliet))
            try await server.settle()
            phone.send(presence("unsubscribed", to: romeo))
            try await server.settle()
            // The contact stays in the roster (§3.2.3), and never was in the other's.
            #expect(
                desk.take().map(\.description) == [
                    "push user2@localhost none ask=subscribe", "presence user2@localhost unsubscribed",
                    "push user2@localhost none",
                ])
            #expect(phone.take().map(\.description) == ["presence user1@localhost subscribe"])
            #expect(server.roster(of: juliet)?.entries.isEmpty == true)
            #expect(try await server.rosterOnDisk(of: juliet).entries.isEmpty)
        }
    }

    @Test func unsubscribing() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            let phone = try await server.goOnline(2, "phone")
            set(Subscription(to: true), of: romeo, to: juliet, server)
            server.forget()
            desk.send(presence("unsubscribe", to: juliet))
            try await server.settle()
            #expect(
                desk.take().map(\.description) == [
                    "push user2@localhost none", "presence user2@localhost/phone unavailable",
                ])
            #expect(
                phone.take().map(\.description) == ["presence user1@localhost unsubscribe", "push user1@localhost none"])
        }
    }

    @Test func removingEndsBothDirections() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            let phone = try await server.goOnline(2, "phone")
            set(Subscription(to: true, from: true), of: romeo, to: juliet, server)
            server.forget()
            desk.send(
                "<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='\(juliet)' subscription='remove'/></query></iq>")
            try await server.settle()
            let mine = desk.take().map(\.description)
            #expect(Set(mine) == ["push user2@localhost remove", "iq user1@localhost result s", "presence user2@localhost/phone unavailable"])
            #expect(mine.count == 3)
            #expect(
                phone.take().map(\.description) == [
                    "presence user1@localhost/desk unavailable", "presence user1@localhost unsubscribed",
                    "push user1@localhost from", "presence user1@localhost unsubscribe", "push user1@localhost none",
                ])
            #expect(subscription(juliet, to: romeo, server) == Subscription())
            #expect(server.roster(of: romeo)?[juliet] == nil)
        }
    }

    // MARK: Requests that wait (§3.1.3)

    @Test func requestWaitsForItsAnswer() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            desk.send(presence("subscribe", to: juliet, content: "<status>First</status><x xmlns='urn:example'>y</x>"))
            desk.send(presence("subscribe", to: juliet, content: "<status>Second</status>"))
            try await server.settle()
            server.kernel.accounts.forget(juliet)
            for _ in 0..<2 {
                let phone = try await server.goOnlineKeeping(2, "phone")
                let requests = phone.take().filter { $0.type == "subscribe" }
                // "MUST deliver only one of the requests", and the complete stanza
                #expect(requests.map { $0.element.child("status")?.text } == ["First"])
                #expect(requests.first?.element.child("x", in: "urn:example")?.text == "y")
                // "MUST NOT add an item for the user to the contact's roster"
                #expect(server.roster(of: juliet)?.count == 0)
                await phone.disconnect()
            }
            let phone = try await server.goOnlineKeeping(2, "phone")
            phone.send(presence("unsubscribed", to: romeo))
            try await server.settle()
            await phone.disconnect()
            let tablet = try await server.goOnlineKeeping(2, "tablet")
            #expect(!tablet.take().contains { $0.type == "subscribe" })
        }
    }

    @Test func withdrawnRequestIsForgotten() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            desk.send(presence("subscribe", to: juliet) + presence("unsubscribe", to: juliet))
            try await server.settle()
            let phone = try await server.goOnlineKeeping(2, "phone")
            #expect(!phone.take().contains { $0.type == "subscribe" })
            #expect(server.roster(of: juliet)?.entries.isEmpty == true)
        }
    }

    @Test func onlySoManyStrangersMayWait() async throws {
        try await TestServer.run(accounts: 14) { configuration in
            configuration[Rosters.requestLimit] = 10
        } body: { server in
            for user in 3...14 {
                let client = try await server.connect(user, "r")
                client.send(presence("subscribe", to: juliet, content: "<status>\(String(repeating: "x", count: 9_000))</status>"))
            }
            try await server.settle()
            let requests = server.roster(of: juliet)?.requests ?? []
            #expect(requests.count == 10)
            #expect(requests.allSatisfy { $0.count < 200 })
        }
    }

    @Test func requestToNobodyIsIgnored() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            for type in ["subscribe", "unsubscribe", "subscribed", "unsubscribed"] {
                desk.send("<presence type='\(type)' to='nobody@localhost'/>")
            }
            desk.send("<presence type='subscribe'/><presence type='subscribe' to='user1@localhost'/>")
            desk.send("<presence type='subscribe' to='somebody@elsewhere.example'/>")
            try await server.settle()
            // §8.5.1: "the server MUST silently ignore the stanza"; §3.1.2 of the unreachable
            #expect(
                desk.take().filter { !$0.isPush }.map(\.description) == [
                    "presence error bad-request", "presence user1@localhost error bad-request",
                    "presence somebody@elsewhere.example error remote-server-not-found",
                ])
        }
    }

    // MARK: Approval in advance (§3.4)

    @Test func approvalInAdvance() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            let phone = try await server.goOnline(2, "phone")
            phone.send(presence("subscribed", to: romeo))
            try await server.settle()
            #expect(phone.take().map(\.description) == ["push user1@localhost none approved=true"])
            #expect(desk.take().isEmpty)
            desk.send(presence("subscribe", to: juliet))
            try await server.settle()
            #expect(
                desk.take().map(\.description) == [
                    "push user2@localhost none ask=subscribe", "presence user2@localhost subscribed",
                    "push user2@localhost to", "presence user2@localhost/phone",
                ])
            // The request is not delivered, and the approval used up.
            #expect(phone.take().map(\.description) == ["push user1@localhost from"])
            desk.send(presence("unsubscribe", to: juliet) + presence("subscribe", to: juliet))
            try await server.settle()
            #expect(phone.take().contains { $0.type == "subscribe" })
        }
    }

    @Test func approvalOfSomebodyWhoIsAbsent() async throws {
        try await TestServer.run { server in
            let phone = try await server.goOnline(2, "phone")
            phone.send(presence("subscribed", to: romeo))
            try await server.settle()
            await phone.disconnect()
            server.kernel.accounts.forget(juliet)
            let desk = try await server.goOnline(1, "desk")
            desk.send(presence("subscribe", to: juliet))
            try await server.settle()
            await server.load(juliet)
            try await server.settle()
            #expect(subscription(romeo, to: juliet, server) == Subscription(to: true))
            #expect(subscription(juliet, to: romeo, server) == Subscription(from: true))
            #expect(desk.take().contains { $0.type == "subscribed" })
        }
    }

    /// §3.1.3: who has lost count is told once more, and of the presence too.
    @Test func requestOfASubscriberIsAnsweredByTheServer() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            let phone = try await server.goOnline(2, "phone")
            server.kernel.accounts[juliet]?.withState { state in
                _ = state.roster.update(RosterItem(jid: romeo, subscription: Subscription(from: true)), at: 1)
            }
            desk.send(presence("subscribe", to: juliet))
            try await server.settle()
            #expect(subscription(romeo, to: juliet, server) == Subscription(to: true))
            #expect(desk.take().suffix(2).map(\.description) == ["push user2@localhost to", "presence user2@localhost/phone"])
            #expect(phone.take().isEmpty)
        }
    }
}

extension TestServer {
    /// Logs in and becomes available; what that brings is kept.
    fileprivate func goOnlineKeeping(_ user: Int, _ resource: String) async throws -> TestClient {
        let client = try await connect(user, resource)
        client.send("<presence/>")
        try await settle()
        return client
    }
}
