import Foundation
import NIOCore
import Server
import Storage
import Testing
import XMPP

@testable import Features

/// XEP-0045 over an orderly restart of the server, for those whose sessions go on.
struct RoomRestartTests {
    private static let further: [any Feature.Type] = [MultiUserChat.self, Archive.self, VCard.self]
    private static let den = "den@rooms.localhost"
    private static let hall = "hall@rooms.localhost"

    /// Somebody whose session outlives the server, and all that they were told.
    private final class Guest {
        let client: ManagedClient
        private(set) var heard: [Element] = []
        private var count = 0

        init(_ server: TestServer, _ user: Int) async throws {
            client = try await ManagedClient(server, user, "a")
            client.hears = { [unowned self] in heard.append($0) }
            client.send("<presence/>")
        }

        func enter(_ room: String, _ nickname: String) async throws {
            client.send("<presence to='\(room)/\(nickname)'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
            _ = try await awaited { $0.isNamed("message") && $0["from"] == room && $0.child("subject") != nil }
        }

        /// - Returns: the answer.
        @discardableResult
        func ask(_ room: String, _ content: String, type: String = "set") async throws -> Element {
            count += 1
            let id = "ask-\(count)"
            client.send("<iq type='\(type)' id='\(id)' to='\(room)'>\(content)</iq>")
            return try await awaited { $0["id"] == id }
        }

        @discardableResult
        func configure(_ room: String, _ fields: [String: String] = [:]) async throws -> Element {
            let fields = fields.map { "<field var='\($0.key)'><value>\($0.value)</value></field>" }.joined()
            return try await ask(room, "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>\(fields)</x></query>")
        }

        func say(_ text: String, in room: String, _ content: String = "") async throws -> Element {
            client.send("<message type='groupchat' id='\(text)' to='\(room)'><body>\(text)</body>\(content)</message>")
            return try await awaited { $0["type"] == "groupchat" && $0.child("body")?.text == text }
        }

        /// What is heard that is meant, since the last time.
        func awaited(_ isMeant: (Element) -> Bool) async throws -> Element {
            // What a server notices by itself takes it seconds.
            let deadline = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < deadline {
                if let index = heard.firstIndex(where: isMeant) {
                    defer { heard.removeSubrange(...index) }
                    return heard[index]
                }
                await client.ping()
                client.read(answers: true)
            }
            throw TestClientError(description: "it was not heard")
        }

        func forget() { heard = [] }
    }

    /// The place of a message in the archive of its room.
    private func place(_ message: Element) throws -> String {
        try #require(message.child("stanza-id", in: "urn:xmpp:sid:0")?["id"])
    }

    private func codes(_ element: Element) -> [String] {
        element.child("x", in: .roomUser)?.children.compactMap { $0["code"] } ?? []
    }

    @Test func whatWasSaidBeforeIsTakenBack() async throws {
        try await TestServer.run(loops: 2, accounts: 3, further: Self.further) { server in
            let (romeo, juliet) = (try await Guest(server, 1), try await Guest(server, 2))
            try await romeo.enter(Self.den, "Romeo")
            try await romeo.configure(Self.den)
            try await juliet.enter(Self.den, "Juliet")
            var places: [String: String] = [:]
            for text in ["kept", "retracted", "moderated"] { places[text] = try place(try await juliet.say(text, in: Self.den)) }
            try await server.restart()
            for guest in [romeo, juliet] { try await guest.client.reconnect(isHalfOpen: false) }
            _ = try await juliet.say("never mind", in: Self.den, "<retract xmlns='urn:xmpp:message-retract:1' id='\(try #require(places["retracted"]))'/>")
            let answer = try await romeo.ask(
                Self.den, "<moderate xmlns='urn:xmpp:message-moderate:1' id='\(try #require(places["moderated"]))'><retract xmlns='urn:xmpp:message-retract:1'/></moderate>")
            #expect(answer["type"] == "result")
            let paris = try await Guest(server, 3)
            paris.client.send("<presence to='\(Self.den)/Paris'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
            var told: [String] = []
            _ = try await paris.awaited { element in
                if element.isNamed("message"), let body = element.child("body")?.text { told.append(body) }
                return element.isNamed("message") && element.child("subject") != nil
            }
            #expect(Set(told) == ["kept", "never mind"])
        }
    }

    @Test func temporaryRoomsKeepHatsAndPictures() async throws {
        try await TestServer.run(loops: 2, accounts: 2, further: Self.further) { server in
            let (romeo, juliet) = (try await Guest(server, 1), try await Guest(server, 2))
            try await romeo.enter(Self.den, "Romeo")
            try await romeo.configure(Self.den)
            try await romeo.ask(Self.den, command("create", ["hats#uri": "urn:hat", "hats#title": "Hat"]))
            try await romeo.ask(Self.den, command("assign", ["hats#uri": "urn:hat", "hats#jid": "user2@localhost"]))
            try await romeo.ask(Self.den, "<vCard xmlns='vcard-temp'><FN>Den</FN></vCard>")
            try await juliet.enter(Self.den, "Juliet")
            try await server.restart {
                let database = try Database.open(
                    directory: server.data, role: .maintenance,
                    migrations: Server.migrations(of: TestServer.features + Self.further))
                defer { database.close() }
                let rows = try await database.read { try $0.rows("SELECT room FROM saved_rooms") { try $0.text(0) } }
                #expect(rows == [Self.den])
            }
            for guest in [romeo, juliet] { try await guest.client.reconnect(isHalfOpen: false) }
            romeo.forget()
            juliet.client.send("<presence to='\(Self.den)/Juliet'><show>away</show></presence>")
            let presence = try await romeo.awaited { $0["from"] == "\(Self.den)/Juliet" && $0.child("show") != nil }
            #expect(presence.child("hats", in: "urn:xmpp:hats:0")?.firstChild?["title"] == "Hat")
            let card = try await juliet.ask(Self.den, "<vCard xmlns='vcard-temp'/>", type: "get")
            #expect(card.firstChild?.child("FN")?.text == "Den")
            // They are a temporary room's still: nothing of them stays.
            let left = try await server.kernel.database.read {
                try $0.rows("SELECT room FROM room_hats UNION ALL SELECT room FROM room_cards") { try $0.text(0) }
            }
            #expect(left == [])
        }
    }

    private func command(_ name: String, _ fields: [String: String]) -> String {
        let fields = fields.map { "<field var='\($0.key)'><value>\($0.value)</value></field>" }.joined()
        return "<command xmlns='http://jabber.org/protocol/commands' node='urn:xmpp:hats:commands:\(name)'><x xmlns='jabber:x:data' type='submit'>\(fields)</x></command>"
    }

    @Test func voiceAndInvitationsGoOn() async throws {
        try await TestServer.run(loops: 2, accounts: 3, further: Self.further) { server in
            let (romeo, juliet, paris) = (try await Guest(server, 1), try await Guest(server, 2), try await Guest(server, 3))
            try await romeo.enter(Self.den, "Romeo")
            try await romeo.configure(Self.den, ["muc#roomconfig_moderatedroom": "1"])
            try await juliet.enter(Self.den, "Juliet")
            try await romeo.ask(Self.den, "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Juliet' role='participant'/></query>")
            romeo.client.send("<message to='\(Self.den)'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='user3@localhost'/></x></message>")
            _ = try await paris.awaited { $0.child("x", in: .roomUser)?.child("invite") != nil }
            try await server.restart()
            for guest in [romeo, juliet, paris] { try await guest.client.reconnect(isHalfOpen: false) }
            _ = try await juliet.say("I can still be heard", in: Self.den)
            paris.client.send("<message to='\(Self.den)'><x xmlns='http://jabber.org/protocol/muc#user'><decline to='user1@localhost'/></x></message>")
            let declined = try await romeo.awaited { $0.child("x", in: .roomUser)?.child("decline") != nil }
            #expect(declined.child("x", in: .roomUser)?.child("decline")?["from"] == "user3@localhost")
        }
    }

    /// Changes what was saved, while no server runs.
    private func tamper(_ server: TestServer, _ statements: [String]) async throws {
        let database = try Database.open(
            directory: server.data, role: .maintenance, migrations: Server.migrations(of: TestServer.features + Self.further))
        defer { database.close() }
        try await database.write { transaction in for statement in statements { try transaction.execute(statement) } }
    }

    @Test(
        "who was in a room that cannot be brought back is told, and other rooms are not concerned",
        arguments: [
            "UPDATE saved_rooms SET state = x'00' WHERE room LIKE 'den@%'",
            "UPDATE saved_rooms SET state = x'' WHERE room LIKE 'den@%'",
        ])
    func unreadable(statement: String) async throws {
        try await TestServer.run(loops: 2, accounts: 1, further: Self.further) { server in
            let romeo = try await Guest(server, 1)
            for room in [Self.den, Self.hall] {
                try await romeo.enter(room, "Romeo")
                try await romeo.configure(room)
            }
            try await server.restart {
                try await tamper(server, [statement, "INSERT INTO saved_rooms (room, state, devices) VALUES ('@', x'00', '')"])
            }
            try await romeo.client.reconnect(isHalfOpen: false)
            let told = try await romeo.awaited { $0["from"] == "\(Self.den)/Romeo" && $0["type"] == "unavailable" }
            #expect(codes(told) == ["110", "332"])
            _ = try await romeo.say("still here", in: Self.hall)
            // It is of no consequence for the next time.
            try await server.restart()
            try await romeo.client.reconnect(isHalfOpen: false)
            _ = try await romeo.say("and again", in: Self.hall)
        }
    }

    @Test func whoWasInARoomThatIsDestroyedMeanwhileIsTold() async throws {
        try await TestServer.run(loops: 2, accounts: 1, further: Self.further) { server in
            let romeo = try await Guest(server, 1)
            for room in [Self.den, Self.hall] {
                try await romeo.enter(room, "Romeo")
                try await romeo.configure(room, ["muc#roomconfig_persistentroom": "1"])
            }
            let hall = try JID(Self.hall)
            try await server.restart {
                let database = try Database.open(
                    directory: server.data, role: .maintenance,
                    migrations: Server.migrations(of: TestServer.features + Self.further))
                let configuration = Configuration(domains: [DomainSection(name: "localhost")], listeners: [], data: server.data)
                try await RoomAdministration(configuration: configuration, database: database, isAlone: true)
                    .carryOut(.destroy(reason: "no more", venue: nil), on: hall)
                database.close()
                // By whatever else.
                try await tamper(server, ["DELETE FROM rooms WHERE address = '\(Self.den)'"])
            }
            try await romeo.client.reconnect(isHalfOpen: false)
            var told: [String: Element] = [:]
            for _ in 0..<2 {
                let presence = try await romeo.awaited { $0.isNamed("presence") && $0["type"] == "unavailable" }
                told[presence["from"] ?? ""] = presence
            }
            let destroyed = told["\(Self.hall)/Romeo"]?.child("x", in: .roomUser)?.child("destroy")
            #expect(destroyed?.child("reason")?.text == "no more")
            #expect(told["\(Self.den)/Romeo"].map(codes) == ["110", "332"])
        }
    }

    @Test func whoseAccountIsRemovedMeanwhileIsNoOccupantAndNoMember() async throws {
        try await TestServer.run(loops: 2, accounts: 2, further: Self.further) { server in
            let (romeo, juliet) = (try await Guest(server, 1), try await Guest(server, 2))
            try await romeo.enter(Self.hall, "Romeo")
            try await romeo.configure(Self.hall, ["muc#roomconfig_persistentroom": "1"])
            try await romeo.ask(Self.hall, "<query xmlns='http://jabber.org/protocol/muc#admin'><item jid='user2@localhost' affiliation='admin'/></query>")
            try await juliet.enter(Self.hall, "Juliet")
            romeo.forget()
            try await server.restart {
                let database = try Database.open(
                    directory: server.data, role: .maintenance,
                    migrations: Server.migrations(of: TestServer.features + Self.further))
                defer { database.close() }
                try await database.write { transaction in
                    try transaction.execute("DELETE FROM account WHERE localpart = 'user2'")
                    try MultiUserChat.removed(try JID("user2@localhost"), transaction)
                }
            }
            try await romeo.client.reconnect(isHalfOpen: false)
            let list = try await romeo.ask(Self.hall, "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='admin'/></query>", type: "get")
            #expect(list.firstChild?.firstChild == nil)
            // The server looks at its accounts every few seconds.
            let gone = try await romeo.awaited { $0["from"] == "\(Self.hall)/Juliet" && $0["type"] == "unavailable" }
            #expect(gone.child("x", in: .roomUser)?.child("item")?["affiliation"] == "none")
        }
    }

    @Test func whoIsInARoomThatCannotBeSavedIsTold() async throws {
        try await TestServer.run(loops: 2, accounts: 1, further: Self.further) { server in
            let romeo = try await Guest(server, 1)
            try await romeo.enter(Self.den, "Romeo")
            try await romeo.configure(Self.den)
            try await server.kernel.database.write { _ = try $0.execute("ALTER TABLE saved_rooms RENAME TO lost_rooms") }
            try await server.restart { try await tamper(server, ["ALTER TABLE lost_rooms RENAME TO saved_rooms"]) }
            try await romeo.client.reconnect(isHalfOpen: false)
            let told = try await romeo.awaited { $0["from"] == "\(Self.den)/Romeo" && $0["type"] == "unavailable" }
            #expect(codes(told) == ["110", "332"])
        }
    }

    /// A persistent room that nobody is in remembers who waits to be let in.
    @Test func requestsWaitForAdminsWhoAreNotThere() async throws {
        try await TestServer.run(loops: 2, accounts: 2, further: Self.further) { server in
            let (romeo, juliet) = (try await Guest(server, 1), try await Guest(server, 2))
            try await romeo.enter(Self.hall, "Romeo")
            try await romeo.configure(Self.hall, ["muc#roomconfig_persistentroom": "1", "muc#roomconfig_registration": "approval"])
            romeo.client.send("<presence type='unavailable' to='\(Self.hall)/Romeo'/>")
            try await juliet.ask(Self.hall, """
                <query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>\
                <field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field>\
                <field var='muc#register_roomnick'><value>Juliet</value></field></x></query>
                """)
            try await server.restart()
            for guest in [romeo, juliet] { try await guest.client.reconnect(isHalfOpen: false) }
            romeo.client.send("""
                <message to='\(Self.hall)'><x xmlns='jabber:x:data' type='submit'>\
                <field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field>\
                <field var='muc#register_roomnick'><value>Juliet</value></field>\
                <field var='muc#register_allow'><value>1</value></field></x></message>
                """)
            try await romeo.enter(Self.hall, "Romeo")
            let list = try await romeo.ask(Self.hall, "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member'/></query>", type: "get")
            #expect(list.firstChild?.children.compactMap { $0["jid"] } == ["user2@localhost"])
        }
    }
}
