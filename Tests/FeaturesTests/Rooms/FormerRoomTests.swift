import Foundation
import Server
import Storage
import Testing
import XMPP

@testable import Features

/// Persistent rooms that were destroyed stay so.
@Suite struct FormerRoomTests {
    private let hall = "hall@rooms.localhost"

    private func database(_ server: TestServer) throws -> Database {
        try Database.open(
            directory: server.data, role: .command,
            migrations: Server.migrations(of: TestServer.features + [MultiUserChat.self]))
    }

    /// What comes of wanting to be in a room: the condition of an error, its text and its address, or nothing.
    private func enter(_ client: TestClient) async throws -> [String?]? {
        client.send("<presence to='\(hall)/user'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        while true {
            let element = try await client.next()
            if element.isNamed("message"), element.child("subject") != nil { return nil }
            guard element["type"] == "error", let error = element.child("error") else { continue }
            let condition = error.children.first { !$0.isNamed("text") }
            return [condition?.name, error.child("text", in: .stanzaErrors)?.text, condition?.text]
        }
    }

    private func ask(_ client: TestClient, _ query: String) async throws {
        client.send("<iq type='set' id='ask' to='\(hall)'><query xmlns='http://jabber.org/protocol/muc#owner'>\(query)</query></iq>")
        while true {
            let element = try await client.next()
            guard element.isNamed("iq"), element["id"] == "ask" else { continue }
            #expect(element["type"] == "result")
            return
        }
    }

    private func configure(_ client: TestClient, isPersistent: Bool) async throws {
        try await ask(
            client,
            "<x xmlns='jabber:x:data' type='submit'><field var='muc#roomconfig_persistentroom'><value>\(isPersistent ? 1 : 0)</value></field></x>")
    }

    /// Over restarts, too, until the administrator makes another one.
    @Test func untilTheAdministratorMakesAnother() async throws {
        try await TestServer.run(loops: 2, accounts: 2, further: [MultiUserChat.self]) { server in
            var client = try await server.connect(1, "a")
            #expect(try await enter(client) == nil)
            try await configure(client, isPersistent: true)
            try await ask(client, "<destroy jid='büro1%\\40x@rooms.localhost'><reason>Moved</reason></destroy>")
            let refusal = ["gone", "Moved", "xmpp:büro1%25%5C40x@rooms.localhost?join"]
            let answer = try await enter(client)
            #expect(answer == refusal)
            try await server.restart()
            client = try await server.connect(1, "a")
            #expect(try await enter(client) == refusal)
            let database = try database(server)
            defer { database.close() }
            let configuration = Configuration(domains: [DomainSection(name: "localhost")], listeners: [], data: server.data)
            try await RoomAdministration(configuration: configuration, database: database, isAlone: false).carryOut(
                .create(owners: [try JID("user1@localhost")], settings: ["muc#roomconfig_persistentroom": ["1"]]),
                on: try JID(hall))
            #expect(try await enter(client) == nil)
            let room = try JID(hall)
            #expect(try await database.read { try FormerRoom.load(room, $0) } == nil)
        }
    }

    @Test func forAsLongAsIsConfigured() async throws {
        let configure: (inout Configuration) -> Void = { $0[MultiUserChat.goneTime] = .seconds(2) }
        try await TestServer.run(accounts: 1, further: [MultiUserChat.self], configure) { server in
            let client = try await server.connect(1, "a")
            #expect(try await enter(client) == nil)
            try await self.configure(client, isPersistent: true)
            try await ask(client, "<destroy/>")
            let database = try database(server)
            defer { database.close() }
            let room = try JID(hall)
            let former = try #require(try await database.read { try FormerRoom.load(room, $0) })
            try await database.write { try FormerRoom.forgetOld(at: DateTime(milliseconds: former.expiry.milliseconds - 1), $0) }
            #expect(try await database.read { try FormerRoom.load(room, $0) } == former)
            while former.expiry >= .now { try await Task.sleep(for: .milliseconds(20)) }
            #expect(try await enter(client) == nil)
            try await database.write { try FormerRoom.forgetOld(at: .now, $0) }
            #expect(try await database.read { try FormerRoom.load(room, $0) } == nil)
        }
    }

    /// Rooms can be made and destroyed for ever; the oldest are forgotten first.
    @Test func notTooMany() async throws {
        try await TestServer.run(accounts: 0, further: [MultiUserChat.self]) { server in
            let now = DateTime.now
            let limits = Room.Limits(goneTime: .seconds(60))
            let rooms = try (0..<20).map { try JID("room\($0)@rooms.localhost") }
            for (index, address) in rooms.enumerated() {
                var room = Room(address, createdBy: try JID("user1@localhost"), at: now, secret: [], limits: limits)
                #expect(FormerRoom(room, RoomDestruction(reason: nil), at: now) == nil)
                room.configuration.persistence.isPersistent = true
                let end = DateTime(milliseconds: now.milliseconds + Int64(index))
                let former = try #require(FormerRoom(room, RoomDestruction(reason: nil), at: end))
                try await server.kernel.database.write { try former.save(address, $0) }
            }
            for (limit, left) in [(20, 20), (12, 12), (1, 1), (0, 0)] {
                let kept = try await server.kernel.database.write { transaction in
                    try FormerRoom.forgetOld(at: now, limit: limit, transaction)
                    return try rooms.filter { try FormerRoom.load($0, transaction) != nil }
                }
                #expect(kept == rooms.suffix(left))
            }
        }
    }

    /// Temporary rooms leave nothing behind, nor do others where the administrator wants it so.
    @Test(arguments: [false, true]) func notWhereNotWanted(isPersistent: Bool) async throws {
        let configure: (inout Configuration) -> Void = { if isPersistent { $0[MultiUserChat.goneTime] = .zero } }
        try await TestServer.run(accounts: 1, further: [MultiUserChat.self], configure) { server in
            let client = try await server.connect(1, "a")
            for _ in 0..<2 {
                #expect(try await enter(client) == nil)
                try await self.configure(client, isPersistent: isPersistent)
                try await ask(client, "<destroy><reason>Enough</reason></destroy>")
            }
        }
    }
}
