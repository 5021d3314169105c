import Foundation
import Server
import Storage
import Testing
import XMPP

@testable import Features

/// Commands change rooms beside a server that runs, and without one.
@Suite struct RoomOrdersTests {
    private let hall = "hall@rooms.localhost"

    private func commands(_ server: TestServer, isAlone: Bool = false) throws -> (RoomAdministration, Database) {
        let database = try Database.open(
            directory: server.data, role: isAlone ? .maintenance : .command,
            migrations: Server.migrations(of: TestServer.features + [MultiUserChat.self]))
        let configuration = Configuration(domains: [DomainSection(name: "localhost")], listeners: [], data: server.data)
        return (RoomAdministration(configuration: configuration, database: database, isAlone: isAlone), database)
    }

    @Test func besideARunningServer() async throws {
        try await TestServer.run(loops: 2, accounts: 2, further: [MultiUserChat.self]) { server in
            let (rooms, database) = try commands(server)
            defer { database.close() }
            let room = try rooms.room(hall)
            let user = try JID("user1@localhost")
            try await rooms.carryOut(
                .create(owners: [user], settings: ["muc#roomconfig_persistentroom": ["1"]]), on: room)
            #expect(try await rooms.list(of: "rooms.localhost", after: "").map(\.people) == [1])
            await #expect(throws: RoomAdministration.Refusal.self) {
                try await rooms.carryOut(.create(owners: [user], settings: [:]), on: room)
            }

            let guest = try await server.goOnline(2, "a")
            guest.send("<presence to='\(hall)/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
            await guest.ping()
            try await server.settle()
            _ = guest.take()
            try await rooms.carryOut(.affiliate(try JID("user2@localhost"), "member", nickname: nil, reason: nil), on: room)
            try await rooms.carryOut(.configure(["muc#roomconfig_membersonly": ["1"]]), on: room)
            try await rooms.carryOut(
                .affiliate(try JID("user2@localhost"), "outcast", nickname: nil, reason: "Enough"), on: room)
            try await server.settle()
            let told = guest.take().filter { $0.kind == "presence" }.compactMap { $0.element.child("x", in: "http://jabber.org/protocol/muc#user") }
            #expect(told.first?.child("item")?["affiliation"] == "member")
            #expect(told.last?.child("item")?.child("reason")?.text == "Enough")
            #expect(told.last?.children.compactMap { $0["code"] }.contains("301") == true)
            #expect(try await rooms.export(room).contains("\"outcast\""))
            try await rooms.carryOut(.destroy(reason: nil, venue: nil), on: room)
            #expect(try await rooms.list(of: "rooms.localhost", after: "").isEmpty)
            await #expect(throws: RoomAdministration.Refusal.self) {
                try await rooms.carryOut(.configure([:]), on: room)
            }
        }
    }

    /// Whoever is in a room over a restart hears of what was done to it meanwhile.
    @Test func whileNoServerRuns() async throws {
        try await TestServer.run(loops: 2, accounts: 2, further: [MultiUserChat.self]) { server in
            let user = try JID("user1@localhost")
            let guest = try await ManagedClient(server, 2, "a")
            var codes: Set<String> = []
            guest.hears = { element in
                let user = element.child("x", in: "http://jabber.org/protocol/muc#user")
                codes.formUnion(user?.children.compactMap { $0["code"] } ?? [])
            }
            let (before, database) = try commands(server)
            let room = try before.room(hall)
            try await before.carryOut(
                .create(owners: [user], settings: ["muc#roomconfig_persistentroom": ["1"]]), on: room)
            database.close()
            guest.send("<presence to='\(hall)/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
            for _ in 0..<200 where !codes.contains("110") {
                await guest.ping()
                guest.read(answers: true)
            }
            try await server.restart {
                let (rooms, database) = try commands(server, isAlone: true)
                try await rooms.carryOut(.configure(["muc#roomconfig_membersonly": ["1"]]), on: room)
                #expect(try await rooms.export(room).contains("muc#roomconfig_membersonly"))
                database.close()
            }
            try await guest.reconnect(isHalfOpen: false)
            for _ in 0..<200 where !codes.contains("322") {
                await guest.ping()
                guest.read(answers: true)
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(codes.contains("322"))
        }
    }
}
