import Accounts
import Foundation
import Logging
import NIOCore
import Server
import Testing
import XMPP

@testable import Features

/// XEP-0198 §5: sessions survive an orderly restart of the server.
@Suite struct RestartTests {
    private let data = NSTemporaryDirectory() + "restart-tests-" + UUID().uuidString

    private func start() async throws -> Server {
        var configuration = Configuration(
            domains: [DomainSection(name: "localhost")],
            listeners: [ListenerSection(kind: .client, port: 0, address: .loopback, tls: .none)], data: data)
        configuration[AccountSettings.passwordLength] = 1
        return try await Server(
            configuration: configuration, features: allFeatures,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, loops: 2)
    }

    private func connect(
        _ server: Server, _ user: String, _ resource: String, resuming: (id: String, h: UInt32)? = nil
    ) async throws -> TestClient {
        try await TestClient(
            user: user, password: "pw", resource: resource, domain: "localhost", port: server.ports[0], resuming: resuming)
    }

    private func enable(_ client: TestClient) async throws -> String {
        _ = client.take()
        client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        return try #require(try await client.next()["id"])
    }

    @Test func sessionsAreResumedOnTheNextServer() async throws {
        defer { try? FileManager.default.removeItem(atPath: data) }
        var server = try await start()
        for user in ["romeo", "juliet"] { try await server.localAccounts(of: "localhost")?.add(user, password: "pw") }

        let phone = try await connect(server, "romeo", "phone")
        let id = try await enable(phone)
        phone.send("<presence><priority>5</priority><status>here</status></presence>")
        phone.send("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
        phone.send("<presence to='juliet@localhost/desk'/>")
        await phone.ping()
        let desk = try await connect(server, "juliet", "desk")
        desk.send("<message to='romeo@localhost/phone' type='chat'><body>before</body></message>")
        await desk.ping()
        await phone.ping()
        let (_, h) = phone.takeCounted()
        desk.send("<message to='romeo@localhost/phone' type='chat'><body>unread</body></message>")
        await desk.ping()
        await server.stop()
        for client in [phone, desk] {
            for _ in 0..<1_000 where client.isConnected { try await Task.sleep(for: .milliseconds(5)) }
            #expect(!client.isConnected)
        }

        server = try await start()
        let laptop = try await connect(server, "romeo", "laptop")
        laptop.send("<presence/>")
        await laptop.ping()
        let presence = laptop.take().first { $0.from == "romeo@localhost/phone" }
        #expect(presence?.element.child("status")?.text == "here", "it is still available")
        let again = try await connect(server, "juliet", "desk")
        again.send("<message to='romeo@localhost/laptop' type='chat'><body>meanwhile</body></message>")
        await again.ping()

        let resumed = try await connect(server, "romeo", "phone", resuming: (id, h))
        let answer = try await resumed.next()
        #expect(answer.isNamed("resumed") && answer["previd"] == id)
        #expect(answer["h"] == "5", "presence, Carbons, directed presence, two pings")
        await resumed.ping()
        let received = resumed.take()
        #expect(received.first?.element.child("body")?.text == "unread")
        #expect(received.count(where: { $0.element.child("received", in: "urn:xmpp:carbons:2") != nil }) == 1)
        // Who was told of it directly is told of its end.
        _ = again.take()
        await resumed.disconnect()
        var told: [String] = []
        for _ in 0..<100 where told.isEmpty {
            await again.ping()
            told += again.take().map(\.description)
        }
        #expect(told.contains("presence romeo@localhost/phone unavailable"))
        for client in [laptop, again] { await client.disconnect() }
        await server.stop()
    }

    @Test func interestsAreKept() async throws {
        defer { try? FileManager.default.removeItem(atPath: data) }
        var server = try await start()
        try await server.localAccounts(of: "localhost")?.add("romeo", password: "pw")
        let phone = try await connect(server, "romeo", "phone")
        let id = try await enable(phone)
        let features = ["urn:example:plays+notify"]
        let hash = VerificationString(identities: [], features: features, forms: []).description
        phone.send(
            "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:example:client' ver='\(hash)'/></presence>")
        var question = Received(element: try await phone.next())
        while question.kind != "iq" { question = Received(element: try await phone.next()) }
        phone.send(
            """
            <iq type='result' id='\(question.element["id"] ?? "")' to='\(question.from)'>\
            <query xmlns='http://jabber.org/protocol/disco#info' node='urn:example:client#\(hash)'>\
            <feature var='\(features[0])'/></query></iq>
            """)
        await phone.ping()
        let (_, h) = phone.takeCounted()
        await server.stop()

        server = try await start()
        let laptop = try await connect(server, "romeo", "laptop")
        laptop.send(
            """
            <iq type='set' id='p'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:example:plays'>\
            <item id='1'><play xmlns='urn:example:plays'/></item></publish></pubsub></iq>
            """)
        #expect(try await laptop.next()["type"] == "result")
        await laptop.ping()
        let resumed = try await connect(server, "romeo", "phone", resuming: (id, h))
        #expect(try await resumed.next().isNamed("resumed"))
        await resumed.ping()
        let told = resumed.take().compactMap { $0.element.child("event", in: "http://jabber.org/protocol/pubsub#event") }
        #expect(told.map { $0.child("items")?["node"] } == ["urn:example:plays"])
        for client in [laptop, resumed] { await client.disconnect() }
        await server.stop()
    }

    @Test func whatNobodyComesForWaitsOffline() async throws {
        defer { try? FileManager.default.removeItem(atPath: data) }
        var server = try await start()
        for user in ["romeo", "juliet"] { try await server.localAccounts(of: "localhost")?.add(user, password: "pw") }
        let phone = try await connect(server, "romeo", "phone")
        _ = try await enable(phone)
        phone.send("<presence/>")
        await phone.ping()
        let desk = try await connect(server, "juliet", "desk")
        await phone.vanish()
        desk.send("<message to='romeo@localhost' type='chat'><body>where are you?</body></message>")
        await desk.ping()
        await server.stop()

        server = try await start()
        // The same resource, bound anew, ends the session that waits for being resumed.
        let other = try await connect(server, "romeo", "phone")
        other.send("<presence/>")
        var bodies: [String] = []
        for _ in 0..<100 where bodies.isEmpty {
            await other.ping()
            bodies += other.take().compactMap { $0.element.child("body")?.text }
        }
        #expect(bodies == ["where are you?"])
        await other.disconnect()
        await server.stop()
    }
}
