import Server
import Testing
import XMPP

@testable import Features

/// RFC 6121 §4, on a running server. user1 and user2 are subscribed to each other; user3 sees user1's presence;
/// user4 is a stranger.
@Suite(.timeLimit(.minutes(1)))
struct PresenceTests {
    private func run(loops: Int = 1, _ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.run(loops: loops, accounts: 4) { server in
            func set(_ user: Int, _ contact: Int, _ subscription: Subscription) throws {
                let contact = try JID("user\(contact)@localhost")
                server.kernel.accounts[try JID("user\(user)@localhost")]?.withState { state in
                    _ = state.roster.update(RosterItem(jid: contact, subscription: subscription), at: 1)
                }
            }
            try set(1, 2, Subscription(to: true, from: true))
            try set(2, 1, Subscription(to: true, from: true))
            try set(1, 3, Subscription(from: true))
            try set(3, 1, Subscription(to: true))
            try await body(server)
        }
    }

    // MARK: Broadcast

    @Test func initialPresence() async throws {
        try await run { server in
            let friend = try await server.goOnline(2, "friend")
            let fan = try await server.goOnline(3, "fan")
            let stranger = try await server.goOnline(4, "stranger")
            let phone = try await server.goOnline(1, "phone", priority: -1)
            let connected = try await server.connect(1, "connected")
            server.forget()
            let desk = try await server.connect(1, "desk")
            desk.send("<presence id='p1'><show>chat</show><x xmlns='urn:example'/></presence>")
            try await server.settle()
            // §4.2.2: "including the resource that generated the presence notification"
            #expect(
                desk.take().map(\.description).sorted() == [
                    "presence user1@localhost/desk chat", "presence user1@localhost/phone",
                    "presence user2@localhost/friend",
                ])
            #expect(phone.take().map(\.description) == ["presence user1@localhost/desk chat"])
            for subscriber in [friend, fan] {
                let received = subscriber.take()
                #expect(received.map(\.description) == ["presence user1@localhost/desk chat"])
                #expect(received.first?.to == subscriber.bare.description)
                #expect(received.first?.id == "p1")
                #expect(received.first?.element.child("x", in: "urn:example") != nil)
            }
            #expect(stranger.take().isEmpty)
            #expect(connected.take().isEmpty)
            // §4.4.2
            desk.send("<presence><show>away</show></presence>")
            try await server.settle()
            for client in [desk, phone, friend, fan] {
                #expect(client.take().map(\.description) == ["presence user1@localhost/desk away"])
            }
            // §4.3.2: those who come later get the last presence, with its id (§4.3.2.1).
            desk.send("<presence id='p2'><show>dnd</show><x xmlns='urn:example'/></presence>")
            try await server.settle()
            server.forget()
            let late = try await server.connect(2, "late")
            late.send("<presence/>")
            try await server.settle()
            let learnt = late.take()
            #expect(
                learnt.map(\.description).sorted() == [
                    "presence user1@localhost/desk dnd", "presence user1@localhost/phone",
                    "presence user2@localhost/friend", "presence user2@localhost/late",
                ])
            let desks = learnt.first { $0.from == "user1@localhost/desk" }
            #expect(desks?.id == "p2")
            #expect(desks?.element.child("x", in: "urn:example") != nil)
        }
    }

    @Test func absentContactsAreReportedAbsent() async throws {
        try await run { server in
            // In memory without a session, and not in memory: there is no difference.
            for isLoaded in [true, false] {
                let friend = try JID("user2@localhost")
                if !isLoaded { server.kernel.accounts.forget(friend) }
                let desk = try await server.connect(1, "desk")
                desk.send("<presence/>")
                try await server.settle()
                #expect(
                    desk.take().map(\.description) == [
                        "presence user1@localhost/desk", "presence user2@localhost unavailable",
                    ])
                await desk.disconnect()
            }
        }
    }

    enum End: CaseIterable { case presence, stream, connection, conflict }

    /// §4.5.2: "becomes unavailable for any reason (either gracefully or ungracefully)"
    @Test(arguments: End.allCases)
    func unavailability(_ end: End) async throws {
        try await run { server in
            let friend = try await server.goOnline(2, "friend")
            let stranger = try await server.goOnline(4, "stranger")
            let phone = try await server.goOnline(1, "phone")
            let desk = try await server.goOnline(1, "desk")
            desk.send("<presence to='user4@localhost'/>")
            try await server.settle()
            server.forget()
            switch end {
            case .presence: desk.send("<presence type='unavailable'><status>Gone</status></presence>")
            case .stream: await desk.disconnect()
            case .connection: await desk.vanish()
            case .conflict: _ = try await server.connect(1, "desk")
            }
            try await server.waitForSessions(of: 1, count: end == .presence || end == .conflict ? 2 : 1, available: 1)
            try await server.settle()
            for client in [friend, phone, stranger] {
                let received = client.take()
                #expect(received.map(\.description) == ["presence user1@localhost/desk unavailable"])
                #expect(received.first?.element.child("status")?.text == (end == .presence ? "Gone" : nil))
            }
            if end == .presence {
                #expect(desk.take().map(\.description) == ["presence user1@localhost/desk unavailable"])
                // §4.5.2: what comes next begins a new presence session.
                desk.send("<presence/>")
                try await server.settle()
                #expect(friend.take().map(\.description) == ["presence user1@localhost/desk"])
                #expect(stranger.take().isEmpty)
                #expect(desk.take().count == 3)
            }
        }
    }

    @Test func endWithoutPresenceIsNobodysBusiness() async throws {
        try await run { server in
            let friend = try await server.goOnline(2, "friend")
            let desk = try await server.connect(1, "desk")
            desk.send("<presence type='unavailable'/>")
            try await server.settle()
            await desk.disconnect()
            try await server.waitForSessions(of: 1, count: 0, available: 0)
            try await server.settle()
            #expect(friend.take().isEmpty)
        }
    }

    // MARK: Priority (§4.7.2.3)

    @Test(arguments: [("-128", -128), ("127", 127), ("0", 0), (" 5\n", 5), ("+7", 7), ("-0", 0)])
    func priorities(_ text: String, _ priority: Int8) async throws {
        try await run { server in
            let desk = try await server.connect(1, "desk")
            desk.send("<presence><priority>\(text)</priority></presence>")
            try await server.settle()
            #expect(server.kernel.accounts[desk.bare]?.sessions.map(\.presence?.priority) == [priority])
        }
    }

    @Test(arguments: ["-129", "128", "", "high", "1.5", "1 2", "--1", "99999999999999999999"])
    func priorityThatIsNone(_ text: String) async throws {
        try await run { server in
            let desk = try await server.connect(1, "desk")
            desk.send("<presence><priority>\(text)</priority></presence>")
            try await server.settle()
            #expect(desk.take().map(\.condition) == ["bad-request"])
            #expect(server.kernel.accounts[desk.bare]?.sessions.map(\.isAvailable) == [false])
        }
    }

    @Test func unknownTypeIsRefused() async throws {
        try await run { server in
            let desk = try await server.connect(1, "desk")
            desk.send("<presence type='available'/><presence type='here' to='user2@localhost'/>")
            try await server.settle()
            #expect(desk.take().map(\.condition) == ["bad-request", "bad-request"])
        }
    }

    // MARK: Directed presence (§4.6)

    @Test func directedPresence() async throws {
        try await run { server in
            let stranger = try await server.goOnline(4, "stranger")
            let friend = try await server.goOnline(2, "friend")
            let desk = try await server.goOnline(1, "desk")
            server.forget()
            desk.send("<presence to='user4@localhost/stranger'><show>chat</show></presence>")
            desk.send("<presence to='user2@localhost'><show>xa</show></presence>")
            desk.send("<presence><show>away</show></presence>")
            try await server.settle()
            // "MUST NOT include the entity's JID in any subsequent broadcasts of available presence"
            #expect(stranger.take().map(\.description) == ["presence user1@localhost/desk chat"])
            #expect(
                friend.take().map(\.description) == [
                    "presence user1@localhost/desk xa", "presence user1@localhost/desk away",
                ])
            desk.send("<presence type='unavailable'/>")
            try await server.settle()
            #expect(stranger.take().map(\.description) == ["presence user1@localhost/desk unavailable"])
            #expect(friend.take().map(\.description) == ["presence user1@localhost/desk unavailable"])
            desk.send("<presence/><presence type='unavailable'/>")
            try await server.settle()
            #expect(stranger.take().isEmpty)
        }
    }

    @Test func directedUnavailablePresenceEndsIt() async throws {
        try await run { server in
            let stranger = try await server.goOnline(4, "stranger")
            let desk = try await server.goOnline(1, "desk")
            desk.send("<presence to='user4@localhost'/><presence to='user4@localhost' type='unavailable'/>")
            try await server.settle()
            server.forget()
            await desk.disconnect()
            try await server.waitForSessions(of: 1, count: 0, available: 0)
            try await server.settle()
            #expect(stranger.take().isEmpty)
        }
    }

    /// §4.6.1: "SHOULD remove any entity that sends unavailable presence to the user".
    @Test func whoIsGoneIsToldNothing() async throws {
        try await run { server in
            let stranger = try await server.goOnline(4, "stranger")
            let desk = try await server.goOnline(1, "desk")
            desk.send("<presence to='user4@localhost/stranger'/>")
            try await server.settle()
            stranger.send("<presence to='user1@localhost' type='unavailable'/>")
            try await server.settle()
            server.forget()
            await desk.disconnect()
            try await server.waitForSessions(of: 1, count: 0, available: 0)
            try await server.settle()
            #expect(stranger.take().isEmpty)
        }
    }

    /// §4.6.3, case 3: from a resource that is connected but not available, to a subscriber.
    @Test func directedPresenceOfAConnectedResource() async throws {
        try await run { server in
            let friend = try await server.goOnline(2, "friend")
            let desk = try await server.connect(1, "desk")
            desk.send("<presence to='user2@localhost'/>")
            try await server.settle()
            #expect(friend.take().map(\.description) == ["presence user1@localhost/desk"])
            await desk.disconnect()
            try await server.waitForSessions(of: 1, count: 0, available: 0)
            try await server.settle()
            #expect(friend.take().map(\.description) == ["presence user1@localhost/desk unavailable"])
        }
    }

    // MARK: Probes (§4.3)

    @Test func probesOfSubscribers() async throws {
        try await run { server in
            let desk = try await server.connect(1, "desk")
            desk.send("<presence id='p1'><show>away</show></presence>")
            let phone = try await server.goOnline(1, "phone")
            let fan = try await server.connect(3, "fan")
            fan.send("<presence type='probe' id='q1' to='user1@localhost'/>")
            try await server.settle()
            let received = fan.take()
            #expect(
                received.map(\.description).sorted() == ["presence user1@localhost/desk away", "presence user1@localhost/phone"])
            #expect(received.first { $0.from == "user1@localhost/desk" }?.id == "p1")
            // "MUST NOT return presence information about any resource except the resource specified", and only the fact
            fan.send("<presence type='probe' to='user1@localhost/desk'/>")
            try await server.settle()
            #expect(fan.take().map(\.description) == ["presence user1@localhost/desk"])
            fan.send("<presence type='probe' id='q2' to='user1@localhost/gone'/>")
            try await server.settle()
            #expect(fan.take().map(\.description) == ["presence user1@localhost/gone unavailable"])
            desk.send("<presence type='unavailable'/>")
            phone.send("<presence type='unavailable'/>")
            try await server.settle()
            server.forget()
            fan.send("<presence type='probe' id='q3' to='user1@localhost'/>")
            try await server.settle()
            let absent = fan.take()
            #expect(absent.map(\.description) == ["presence user1@localhost unavailable"])
            #expect(absent.first?.id == "q3")
        }
    }

    @Test func probesOfStrangers() async throws {
        try await run { server in
            let desk = try await server.goOnline(1, "desk")
            let stranger = try await server.connect(4, "stranger")
            // An account that does not exist gives the same answer.
            for account in ["user1@localhost", "nobody@localhost"] {
                stranger.send("<presence type='probe' id='q' to='\(account)'/>")
                try await server.settle()
                let received = stranger.take()
                #expect(received.map(\.description) == ["presence \(account) unsubscribed"])
                #expect(received.map(\.id) == ["q"])
                stranger.send("<presence type='probe' id='q' to='\(account)/desk'/>")
                try await server.settle()
                #expect(stranger.take().map(\.description) == ["presence \(account) unsubscribed"])
            }
            #expect(desk.take().isEmpty)
            // §4.6.6
            desk.send("<presence to='user4@localhost/stranger'><show>away</show></presence>")
            try await server.settle()
            _ = stranger.take()
            stranger.send("<presence type='probe' to='user1@localhost/desk'/><presence type='probe' to='user1@localhost'/>")
            try await server.settle()
            #expect(
                stranger.take().map(\.description) == [
                    "presence user1@localhost/desk", "presence user1@localhost unsubscribed",
                ])
        }
    }

    /// A roster that says more than the contact's is put right when the contact is probed (§4.3.2).
    @Test func subscriptionThatTheOtherSideDoesNotKnow() async throws {
        try await run { server in
            let desk = try await server.goOnline(1, "desk")
            let stranger = try JID("user4@localhost")
            server.kernel.accounts[desk.bare]?.withState { state in
                _ = state.roster.update(RosterItem(jid: stranger, subscription: Subscription(to: true)), at: 1)
            }
            desk.send("<presence type='unavailable'/><presence/>")
            try await server.settle()
            #expect(
                desk.take().filter { $0.from.hasPrefix("user4") || $0.isPush }.map(\.description) == [
                    "presence user4@localhost unsubscribed", "push user4@localhost none",
                ])
        }
    }

    /// A probe while a request waits would otherwise deny it.
    @Test func probeDeniesNoRequest() async throws {
        try await run { server in
            let stranger = try await server.goOnline(4, "stranger")
            stranger.send("<presence type='subscribe' to='user1@localhost'/>")
            stranger.send("<presence type='probe' to='user1@localhost'/>")
            try await server.settle()
            let subscription = server.roster(of: stranger.bare)?[try JID("user1@localhost")]?.subscription
            #expect(subscription == Subscription(pendingOut: true))
        }
    }
}

extension TestServer {
    /// Waits until the server has noticed that sessions have come or gone.
    fileprivate func waitForSessions(of user: Int, count: Int, available: Int) async throws {
        let account = kernel.accounts[try JID("user\(user)@\(Self.domain)")]
        while true {
            let sessions = account?.sessions ?? []
            if sessions.count == count, sessions.count(where: \.isAvailable) == available { return }
            await Task.yield()
        }
    }
}
