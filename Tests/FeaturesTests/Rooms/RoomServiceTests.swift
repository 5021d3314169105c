import NIOCore
import Server
import Storage
import Testing
import XMPP

@testable import Features

/// Rooms on a server with several event loops, with people who come, go, lose their connections and come back.
struct RoomServiceTests {
    private static let further: [any Feature.Type] = [MultiUserChat.self, Blocking.self]

    private func enter(_ client: TestClient, _ room: String, _ nickname: String) {
        client.send("<presence to='\(room)/\(nickname)'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    }

    private func unlock(_ client: TestClient, _ room: String, _ fields: String = "") async throws {
        client.send(
            "<iq type='set' id='c' to='\(room)'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>\(fields)</x></query></iq>")
        while true {
            let element = try await client.next()
            guard element.isNamed("iq") else { continue }
            #expect(element["type"] == "result")
            return
        }
    }

    /// Waits until what the clients have sent is on disk, too, and all has come of it.
    private func settle(_ server: TestServer) async throws {
        for _ in 0..<3 {
            try await server.settle()
            try await server.kernel.database.write { _ in }
        }
        try await server.settle()
    }

    private let persistent = "<field var='muc#roomconfig_persistentroom'><value>1</value></field>"

    private func bodies(_ client: TestClient) -> [String] {
        client.take().compactMap { $0.type == "groupchat" ? $0.element.child("body")?.text : nil }
    }

    @Test func everybodyHearsTheSameInTheSameOrder() async throws {
        try await TestServer.run(loops: 3, accounts: 6, further: Self.further) { server in
            let room = "hall@rooms.localhost"
            var clients: [TestClient] = []
            for user in 1...6 { clients.append(try await server.connect(user, "desk")) }
            enter(clients[0], room, "n1")
            try await unlock(clients[0], room)
            for (index, client) in clients.enumerated().dropFirst() { enter(client, room, "n\(index + 1)") }
            try await server.settle()
            server.forget()
            for turn in 0..<50 {
                for (index, client) in clients.enumerated() {
                    client.send("<message type='groupchat' to='\(room)'><body>\(index) \(turn)</body></message>")
                }
            }
            try await server.settle()
            try await server.settle()
            let heard = clients.map(bodies)
            #expect(heard[0].count == 300)
            for other in heard { #expect(other == heard[0]) }
            for index in clients.indices {
                let own = heard[0].filter { $0.hasPrefix("\(index) ") }
                #expect(own == (0..<50).map { "\(index) \($0)" })
            }
        }
    }

    @Test func whoLosesTheConnectionAndReturnsHasNeverLeft() async throws {
        try await TestServer.run(loops: 2, accounts: 2, further: Self.further) { server in
            let room = "hall@rooms.localhost"
            let host = try await server.connect(1, "desk")
            enter(host, room, "host")
            try await unlock(host, room)
            let guest = try await ManagedClient(server, 2, "phone")
            guest.send("<presence to='\(room)/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
            func settle() async throws {
                await host.ping()
                for _ in 0..<4 { for loop in server.kernel.loops { try await loop.eventLoop.submit {}.get() } }
                await guest.ping()
            }
            try await settle()
            guest.read(answers: true)
            try await settle()
            _ = host.take()
            for turn in 0..<20 {
                if turn % 5 == 2 { try await guest.reconnect(isHalfOpen: turn % 10 == 2) }
                host.send("<message type='groupchat' to='\(room)'><body>\(turn)</body></message>")
                try await settle()
                guest.read(answers: turn % 3 == 0)
            }
            #expect(guest.bodies == (0..<20).map(String.init))
            // Nobody was told that somebody had left.
            #expect(!host.take().contains { $0.kind == "presence" })
        }
    }

    private static func isLeaving(_ stanza: Received) -> Bool { stanza.kind == "presence" && stanza.type == "unavailable" }

    @Test func whoVanishesLeavesAllRooms() async throws {
        try await TestServer.run(loops: 2, accounts: 2, further: Self.further) { server in
            let rooms = (1...5).map { "room\($0)@rooms.localhost" }
            let host = try await server.connect(1, "desk")
            let guest = try await server.connect(2, "desk")
            for room in rooms {
                enter(host, room, "host")
                try await unlock(host, room)
                enter(guest, room, "guest")
            }
            try await server.settle()
            server.forget()
            await guest.vanish()
            let left = try await server.received(by: host) { $0.count(where: Self.isLeaving) >= rooms.count }
                .filter(Self.isLeaving).map(\.from)
            #expect(Set(left) == Set(rooms.map { "\($0)/guest" }))
            #expect(left.count == rooms.count)
        }
    }

    @Test func oneOfTwoDevicesStays() async throws {
        try await TestServer.run(loops: 2, accounts: 2, further: Self.further) { server in
            let room = "hall@rooms.localhost"
            let host = try await server.connect(1, "desk")
            enter(host, room, "host")
            try await unlock(host, room)
            let desk = try await server.connect(2, "desk")
            let phone = try await server.connect(2, "phone")
            enter(desk, room, "guest")
            enter(phone, room, "guest")
            try await server.settle()
            desk.send("<presence type='unavailable' to='\(room)/guest'/>")
            try await server.settle()
            server.forget()
            host.send("<message type='groupchat' to='\(room)'><body>Hello</body></message>")
            try await server.settle()
            #expect(bodies(phone) == ["Hello"])
            #expect(bodies(desk) == [])
            // The device that has left is no reason for the other not to be seen leaving.
            await phone.vanish()
            let seen = try await server.received(by: host) { $0.contains(where: Self.isLeaving) }
            #expect(seen.contains { Self.isLeaving($0) && $0.from == "\(room)/guest" })
        }
    }

    @Test func blockedOccupantsAreNotHeard() async throws {
        try await TestServer.run(loops: 1, accounts: 2, further: Self.further) { server in
            let room = "hall@rooms.localhost"
            let host = try await server.connect(1, "desk")
            let guest = try await server.connect(2, "desk")
            enter(host, room, "host")
            try await unlock(host, room)
            enter(guest, room, "guest")
            guest.send("<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='\(room)/host'/></block></iq>")
            try await server.settle()
            server.forget()
            host.send("<message type='groupchat' to='\(room)'><body>Hello</body></message>")
            guest.send("<message type='groupchat' to='\(room)'><body>Nobody there?</body></message>")
            try await server.settle()
            #expect(bodies(guest) == ["Nobody there?"])
            #expect(bodies(host).sorted() == ["Hello", "Nobody there?"])
        }
    }

    @Test func whatIsPersistentIsReadAgain() async throws {
        try await TestServer.run(loops: 2, accounts: 2, further: Self.further) { server in
            let room = "hall@rooms.localhost"
            let host = try await server.connect(1, "desk")
            enter(host, room, "host")
            try await unlock(host, room, persistent + "<field var='muc#roomconfig_roomname'><value>Hall</value></field>")
            host.send("<iq type='set' id='m' to='\(room)'><query xmlns='http://jabber.org/protocol/muc#admin'><item jid='user2@localhost' affiliation='admin' nick='boss'/></query></iq>")
            host.send("<message type='groupchat' to='\(room)'><subject>Talk</subject></message>")
            try await settle(server)
            host.send("<presence type='unavailable' to='\(room)/host'/>")
            try await settle(server)
            let address = try JID(room)
            let stored = try await server.kernel.database.read { try RoomStore.load(address, limits: Room.Limits(), $0) }
            let kept = try #require(stored)
            #expect(kept.configuration.description.name == "Hall")
            #expect(kept.affiliation(of: try JID("user2@localhost")) == .admin)
            #expect(kept.affiliates[try JID("user2@localhost")]?.nickname?.text == "boss")
            #expect(kept.affiliation(of: try JID("user1@localhost")) == .owner)
            #expect(kept.subject.text == "Talk")
            // Nobody is there, and nothing is left in memory.
            for loop in server.kernel.loops {
                await withCheckedContinuation { continuation in
                    loop.execute { loop in
                        #expect(loop[RoomService.rooms].isEmpty)
                        continuation.resume()
                    }
                }
            }
            let guest = try await server.connect(2, "desk")
            enter(guest, room, "boss")
            try await settle(server)
            let subject = guest.take().compactMap { $0.element.child("subject")?.text }
            #expect(subject == ["Talk"])
        }
    }

    @Test func removedAccountsAreForgotten() async throws {
        try await TestServer.run(loops: 1, accounts: 2, further: Self.further) { server in
            let room = "hall@rooms.localhost"
            let host = try await server.connect(1, "desk")
            enter(host, room, "host")
            try await unlock(host, room, persistent)
            host.send("<iq type='set' id='m' to='\(room)'><query xmlns='http://jabber.org/protocol/muc#admin'><item jid='user2@localhost' affiliation='owner'/></query></iq>")
            try await settle(server)
            let person = try JID("user2@localhost")
            try await server.kernel.database.write { try MultiUserChat.removed(person, $0) }
            await RoomService(kernel: server.kernel).tidy()
            try await settle(server)
            server.forget()
            host.send("<iq type='get' id='o' to='\(room)'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='owner'/></query></iq>")
            try await settle(server)
            let owners = host.take().first { $0.id == "o" }?.element.firstChild?.children.map { $0["jid"] ?? "" }
            #expect(owners == ["user1@localhost"])
        }
    }

    @Test func whoIsLeftIsToldWhenTheServerStops() async throws {
        var client: TestClient?
        try await TestServer.run(loops: 2, accounts: 1, further: Self.further) { server in
            let host = try await server.connect(1, "desk")
            enter(host, "hall@rooms.localhost", "host")
            try await unlock(host, "hall@rooms.localhost")
            _ = host.take()
            client = host
            await server.server.stop()
        }
        let last = client?.take().last { $0.kind == "presence" }
        let codes = last?.element.child("x", in: .roomUser)?.children.compactMap { $0["code"] }
        #expect(last?.type == "unavailable")
        #expect(codes == ["110", "332"])
    }

    @Test func nobodyMakesTooManyRooms() async throws {
        try await TestServer.run(loops: 2, accounts: 1, further: Self.further) { configuration in
            configuration[MultiUserChat.perAccount] = 2
        } body: { server in
            let host = try await server.connect(1, "desk")
            func answer(_ number: Int) async throws -> String {
                enter(host, "r\(number)@rooms.localhost", "host")
                var element = try await host.next()
                while element["from"] != "r\(number)@rooms.localhost/host" { element = try await host.next() }
                return Received(element: element).condition
            }
            #expect(try await answer(1) == "")
            #expect(try await answer(2) == "")
            #expect(try await answer(3) == "resource-constraint")
            host.send("<presence type='unavailable' to='r1@rooms.localhost/host'/>")
            try await settle(server)
            server.forget()
            #expect(try await answer(4) == "")
            try await unlock(host, "r4@rooms.localhost", persistent)
            try await unlock(host, "r2@rooms.localhost", persistent)
            for number in [2, 4] { host.send("<presence type='unavailable' to='r\(number)@rooms.localhost/host'/>") }
            try await settle(server)
            server.forget()
            #expect(try await answer(5) == "")
            host.send("<iq type='set' id='c' to='r5@rooms.localhost'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>\(persistent)</x></query></iq>")
            var element = try await host.next()
            while !element.isNamed("iq") { element = try await host.next() }
            #expect(Received(element: element).condition == "resource-constraint")
        }
    }

    @Test func whoIsMissedIsTakenOut() async throws {
        try await TestServer.run(loops: 2, accounts: 1, further: Self.further) { server in
            let host = try await server.connect(1, "desk")
            enter(host, "hall@rooms.localhost", "host")
            try await unlock(host, "hall@rooms.localhost")
            // A device that no session is bound to, and whose end nobody has told.
            server.kernel.loops[0].execute { loop in
                let ghost = Stanza(
                    .presence, type: .available, from: try? JID("user1@localhost/ghost"),
                    to: try? JID("hall@rooms.localhost/ghost"))
                guard let bytes = try? StanzaParser().parse(
                    ByteBuffer(string: "<presence><x xmlns='http://jabber.org/protocol/muc'/></presence>"))
                else { return }
                loop.kernel.send(
                    Stanza(kind: .presence, type: .available, from: ghost.from, to: ghost.to, element: bytes), on: loop)
            }
            try await server.settle()
            await RoomService(kernel: server.kernel).tidy()
            let seen = try await server.received(by: host) { $0.contains(where: Self.isLeaving) }
            #expect(seen.last { $0.from == "hall@rooms.localhost/ghost" }?.type == "unavailable")
        }
    }

    @Test("who may make rooms", arguments: MultiUserChat.Creators.allCases)
    func creation(creators: MultiUserChat.Creators) async throws {
        try await TestServer.run(loops: 1, accounts: 1, further: Self.further) { configuration in
            configuration[MultiUserChat.creation] = creators
        } body: { server in
            let host = try await server.connect(1, "desk")
            enter(host, "hall@rooms.localhost", "host")
            let answer = Received(element: try await host.next())
            #expect(answer.condition == (creators == .nobody ? "not-allowed" : ""))
        }
    }

    /// What is acknowledged (XEP-0198) and not refused until then is not refused any more.
    @Test func refusalsComeBeforeAcknowledgements() async throws {
        try await TestServer.run(loops: 3, accounts: 1, further: Self.further) { server in
            let client = try await server.connect(1, "desk")
            client.send("<enable xmlns='urn:xmpp:sm:3'/>")
            #expect(try await client.next().isNamed("enabled"))
            for number in 0..<20 {
                client.send("""
                    <message type='groupchat' to='room\(number)@rooms.localhost'><body>?</body></message>\
                    <r xmlns='urn:xmpp:sm:3'/>
                    """)
                var names: [String] = []
                // The server asks for an acknowledgement, too.
                while names.last != "a" { names.append(try await client.next().name) }
                #expect(names.first { $0 != "r" } == "message")
            }
        }
    }
}
