import Server
import Testing
import XMPP

@testable import Features

/// RFC 6121 §2, on a running server.
@Suite(.timeLimit(.minutes(1)))
struct RosterTests {
    private static func set(_ item: String, id: String = "set") -> String {
        "<iq type='set' id='\(id)'><query xmlns='jabber:iq:roster'>\(item)</query></iq>"
    }

    @Test func addingUpdatingAndRemoving() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            let phone = try await server.goOnline(1, "phone")
            let idle = try await server.connect(1, "idle")
            desk.send(Self.set("<item jid='nurse@localhost' name='Nurse'><group>Servants</group><group>A</group></item>"))
            try await server.settle()
            let push = "push nurse@localhost none 'Nurse' [\"Servants\", \"A\"]"
            // §2.3.2: "to all of the user's interested resources, including the resource that generated the roster set"
            #expect(desk.take().map(\.description).sorted() == ["iq user1@localhost result set", push])
            #expect(phone.take().map(\.description) == [push])
            #expect(idle.take().isEmpty)
            // §2.4.1: "the item MUST be updated exactly as provided in the roster set"
            desk.send(Self.set("<item jid='nurse@localhost' name=''/>"))
            try await server.settle()
            #expect(phone.take().map(\.description) == ["push nurse@localhost none"])
            desk.send(Self.set("<item jid='nurse@localhost' subscription='remove'/>"))
            try await server.settle()
            #expect(phone.take().map(\.description) == ["push nurse@localhost remove"])
            desk.send(Self.set("<item jid='nurse@localhost' subscription='remove'/>"))
            try await server.settle()
            #expect(desk.take().last?.condition == "item-not-found")
        }
    }

    @Test func setWithoutAnyChangeIsPushedUnderANewVersion() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            desk.send(Self.set("<item jid='nurse@localhost'/>") + Self.set("<item jid='nurse@localhost'/>"))
            try await server.settle()
            let versions = desk.take().filter(\.isPush).compactMap { $0.query?["ver"] }
            #expect(versions.count == 2)
            #expect(Set(versions).count == 2)
        }
    }

    @Test(arguments: [
        ("", "bad-request"),
        ("<item jid='a@x'/><item jid='b@x'/>", "bad-request"),
        ("<item/>", "bad-request"),
        ("<item jid='@'/>", "jid-malformed"),
        ("<item jid='a@x'><group>B</group><group>B</group></item>", "bad-request"),
        ("<item jid='a@x'><group/></item>", "not-acceptable"),
        ("<item jid='a@x'><group>\(String(repeating: "g", count: 1_024))</group></item>", "not-acceptable"),
        ("<item jid='a@x' name='\(String(repeating: "n", count: 1_024))'/>", "not-acceptable"),
        ("<item jid='user1@localhost'/>", "not-allowed"),
        ("<item jid='a@x' subscription='remove'/>", "item-not-found"),
    ])
    func refusals(_ items: String, _ condition: String) async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            desk.send(Self.set(items))
            try await server.settle()
            let answers = desk.take()
            #expect(answers.map(\.condition) == [condition])
            #expect(server.roster(of: desk.bare)?.count == 0)
        }
    }

    /// §2.1.5: ask, approved and subscription of a roster set mean nothing, but "remove".
    @Test(arguments: ["none", "to", "from", "both", "nonsense"])
    func statesCannotBeSet(_ state: String) async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            desk.send(Self.set("<item jid='user2@localhost' subscription='\(state)' ask='subscribe' approved='true'/>"))
            try await server.settle()
            #expect(desk.take().filter(\.isPush).map(\.description) == ["push user2@localhost none"])
            #expect(server.roster(of: desk.bare)?[try JID("user2@localhost")]?.subscription == Subscription())
        }
    }

    @Test func rostersOfOthersAreForbidden() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            desk.send("<iq type='get' id='a' to='user2@localhost'><query xmlns='jabber:iq:roster'/></iq>")
            desk.send(
                "<iq type='set' id='b' to='user2@localhost'><query xmlns='jabber:iq:roster'><item jid='x@y'/></query></iq>")
            desk.send("<iq type='get' id='c' to='user1@localhost'><query xmlns='jabber:iq:roster'/></iq>")
            try await server.settle()
            #expect(
                desk.take().map(\.description) == [
                    "iq user2@localhost error a forbidden", "iq user2@localhost error b forbidden",
                    "iq user1@localhost result c",
                ])
            #expect(server.roster(of: try JID("user2@localhost"))?.count == 0)
        }
    }

    @Test func fullRosterTakesNobodyElse() async throws {
        try await TestServer.run { configuration in
            configuration[Rosters.itemLimit] = 10
        } body: { server in
            let desk = try await server.goOnline(1, "desk")
            for number in 0..<10 { desk.send(Self.set("<item jid='c\(number)@localhost'/>", id: "\(number)")) }
            desk.send(Self.set("<item jid='more@localhost'/>", id: "more"))
            desk.send(Self.set("<item jid='c1@localhost' name='C'/>", id: "update"))
            desk.send("<presence type='subscribe' to='user2@localhost'/>")
            // It needs no item.
            desk.send("<presence type='unsubscribed' to='user2@localhost'/>")
            try await server.settle()
            let received = desk.take()
            let errors = received.filter { $0.type == "error" }.map(\.description)
            #expect(
                errors.sorted() == ["iq user1@localhost error more resource-constraint", "presence user2@localhost error resource-constraint"])
            #expect(received.filter(\.isPush).count == 11)
        }
    }

    // MARK: Versions (§2.6)

    private func get(_ client: TestClient, _ version: String?) {
        let ver = version.map { " ver='\($0)'" } ?? ""
        client.send("<iq type='get' id='get'><query xmlns='jabber:iq:roster'\(ver)/></iq>")
    }

    @Test func versionedGets() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            for name in ["a", "b", "c"] { desk.send(Self.set("<item jid='\(name)@localhost'/>")) }
            try await server.settle()
            let known = try #require(desk.take().last(where: \.isPush)?.query?["ver"])
            let phone = try await server.connect(1, "phone")
            get(phone, known)
            try await server.settle()
            let unchanged = phone.take()
            #expect(unchanged.map(\.description) == ["iq user1@localhost result get"])
            #expect(unchanged.first?.query == nil)

            desk.send(Self.set("<item jid='b@localhost' name='B'/>"))
            desk.send(Self.set("<item jid='a@localhost' subscription='remove'/>"))
            desk.send(Self.set("<item jid='b@localhost' name='BB'/>"))
            try await server.settle()
            let tablet = try await server.connect(1, "tablet")
            get(tablet, known)
            try await server.settle()
            let changes = tablet.take()
            #expect(
                changes.map(\.description) == [
                    "iq user1@localhost result get", "push a@localhost remove", "push b@localhost none 'BB'",
                ])
            let versions = changes.compactMap { $0.query?["ver"] }.compactMap { Int($0) }
            #expect(versions == versions.sorted())
            #expect(versions.last == server.roster(of: desk.bare)?.version)

            // §2.6.2: bootstrapping, no version, and versions that nobody has given.
            for version in ["", nil, "7", "99999999999999999", "nonsense", "-1"] as [String?] {
                get(tablet, version)
                try await server.settle()
                let whole = tablet.take()
                #expect(whole.map(\.items) == [["b@localhost none 'BB'", "c@localhost none"]])
                #expect(whole.first?.query?["ver"] == "\(versions.last ?? 0)")
            }
            // It is interested now.
            desk.send(Self.set("<item jid='c@localhost' name='C'/>"))
            try await server.settle()
            #expect(tablet.take().map(\.description) == ["push c@localhost none 'C'"])
        }
    }

    @Test func versionsAndRemovalsOutliveMemory() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            desk.send(Self.set("<item jid='a@localhost'/>") + Self.set("<item jid='b@localhost'/>"))
            try await server.settle()
            let known = try #require(desk.take().last(where: \.isPush)?.query?["ver"])
            desk.send(Self.set("<item jid='a@localhost' subscription='remove'/>"))
            desk.send(Self.set("<item jid='n@localhost' name='N'><group>One</group><group>Two</group></item>"))
            try await server.settle()
            let before = try #require(server.roster(of: desk.bare))
            await desk.disconnect()
            try await server.settle()
            server.kernel.accounts.forget(desk.bare)
            await server.load(desk.bare)
            let after = try #require(server.roster(of: desk.bare))
            #expect(after.entries == before.entries)
            #expect(after.removals == before.removals)
            #expect(after.version == before.version)
            let phone = try await server.connect(1, "phone")
            get(phone, known)
            try await server.settle()
            #expect(
                phone.take().map(\.description) == [
                    "iq user1@localhost result get", "push a@localhost remove",
                    "push n@localhost none 'N' [\"One\", \"Two\"]",
                ])
        }
    }

    /// §2.6.3: "Roster pushes MUST occur in order of modification and the version contained in a roster push MUST be
    /// unique." Whatever loops the changes come from.
    @Test func pushesOfManySessionsArriveInOrder() async throws {
        try await TestServer.run(loops: 4) { server in
            var clients: [TestClient] = []
            for number in 0..<6 { clients.append(try await server.goOnline(1, "r\(number)")) }
            for round in 0..<30 {
                for (number, client) in clients.enumerated() {
                    client.send(Self.set("<item jid='c\(round % 5)@localhost' name='\(number)-\(round)'/>"))
                    if round % 7 == 3 { client.send("<presence type='subscribe' to='user\(2 + number % 2)@localhost'/>") }
                    if round % 7 == 5 { client.send("<presence type='unsubscribe' to='user\(2 + number % 2)@localhost'/>") }
                }
            }
            try await server.settle()
            let roster = try #require(server.roster(of: clients[0].bare))
            var stories: Set<[String]> = []
            for client in clients {
                let pushes = client.take().filter(\.isPush)
                let versions = pushes.compactMap { $0.query?["ver"] }.compactMap { Int($0) }
                #expect(versions == versions.sorted())
                #expect(Set(versions).count == versions.count)
                #expect(versions.last == roster.version)
                stories.insert(pushes.map(\.description))
            }
            #expect(stories.count == 1)
            #expect(try await server.rosterOnDisk(of: clients[0].bare).entries == roster.entries)
        }
    }
}
