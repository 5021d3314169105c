import Accounts
import FaultyDisk
import Foundation
import NIOCore
import Server
import Storage
import Testing
import XMPP

@testable import Features

/// What is promised of archived messages, and what the names of their places tell.
@Suite(.timeLimit(.minutes(1)))
struct ArchiveTests {
    init() {
        FaultyDisk.install()
    }

    private static let features: [any Feature.Type] = [StanzaIdentifiers.self, Archive.self, Carbons.self, OfflineMessages.self]

    /// The name of the file that messages go to now.
    private func month() -> String {
        "archive-" + DateTime.now.description.prefix(7)
    }

    /// What comes next, but for the server's own requests for acknowledgement.
    private func next(_ client: TestClient) async throws -> Element {
        while true {
            let element = try await client.next()
            if !element.isNamed("r") { return element }
        }
    }

    private func enable(_ client: TestClient) async throws {
        client.send("<enable xmlns='urn:xmpp:sm:3'/>")
        #expect(try await client.next().isNamed("enabled"))
    }

    /// The message is delivered at once; the acknowledgement waits for the disk (XEP-0198 §4).
    @Test func anAcknowledgementIsAPromise() async throws {
        try await TestServer.run(further: Self.features) { server in
            let sender = try await server.connect(1, "desk")
            let receiver = try await server.goOnline(2, "desk")
            try await enable(sender)
            sender.send("<message to='user2@localhost' type='chat' id='m0'><body>First</body></message><r xmlns='urn:xmpp:sm:3'/>")
            #expect(try await next(sender)["h"] == "1")
            let release = hold(server)
            sender.send("<message to='user2@localhost' type='chat' id='m1'><body>Hi</body></message><r xmlns='urn:xmpp:sm:3'/>")
            await sender.ping()
            var received: [Received] = []
            while !received.contains(where: { $0.id == "m1" }) {
                await receiver.ping()
                received += receiver.take()
            }
            await sender.ping()
            #expect(sender.take().filter { !$0.element.isNamed("r") }.isEmpty)
            release()
            let answer = try await next(sender)
            #expect(answer.isNamed("a"))
            #expect(answer["h"] == "2")
        }
    }

    /// Who sends more than the disk takes waits for it, and is not refused.
    @Test func sendersWaitForTheDisk() async throws {
        try await TestServer.run(further: Self.features) { server in
            let sender = try await server.connect(1, "desk")
            let other = try await server.connect(3, "desk")
            sender.send("<message to='user2@localhost' type='chat' id='first'><body>First</body></message>")
            await sender.ping()
            while server.kernel.archive.pendingEntries > 0 { await other.ping() }
            let release = hold(server)
            for number in 0..<3_000 {
                sender.send("<message to='user2@localhost/desk' type='chat' id='m\(number)'><body>Hi</body></message>")
            }
            while server.kernel.archive.pendingEntries <= Archive.pendingEntries { await other.ping() }
            for _ in 0..<50 { await other.ping() }
            #expect(server.kernel.archive.pendingEntries < Archive.pendingEntries + 10)
            release()
            await sender.ping()
            #expect(sender.take().filter { $0.condition == "resource-constraint" }.isEmpty)
            #expect(sender.isConnected)
        }
    }

    /// Nothing comes to the disk until the returned function is called.
    private func hold(_ server: TestServer) -> () -> Void {
        FaultyDisk.setFault(.stuck, below: server.data)
        return { FaultyDisk.setFault(nil, below: server.data) }
    }

    /// What cannot be archived is told to the sender, once; when the disk works again, so does the archive.
    @Test func whatCannotBeArchivedIsRefused() async throws {
        try await TestServer.run(further: Self.features) { server in
            let sender = try await server.connect(1, "desk")
            try await enable(sender)
            let file = "\(server.data)/\(month()).db"
            try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
            sender.send("<message to='user2@localhost' type='chat' id='m1'><body>Hi</body></message><r xmlns='urn:xmpp:sm:3'/>")
            let refusal = Received(element: try await next(sender))
            #expect(refusal.id == "m1")
            #expect(refusal.condition == "resource-constraint")
            #expect(try await next(sender)["h"] == "1")
            await sender.ping()
            #expect(sender.take().filter { !$0.element.isNamed("r") }.isEmpty)
            try FileManager.default.removeItem(atPath: file)
            sender.send("<message to='user2@localhost' type='chat' id='m2'><body>Hi</body></message><r xmlns='urn:xmpp:sm:3'/>")
            #expect(try await next(sender)["h"] == "3")
            sender.send("<iq type='set' id='q1'><query xmlns='urn:xmpp:mam:2'/></iq>")
            let result = try await next(sender).child("result", in: .archive)
            let forwarded = result?.child("forwarded", in: .forwarding)?.child("message", in: .client)
            #expect(forwarded?["id"] == "m2")
        }
    }

    /// Whoever has an address that somebody else had before does not see what that one has archived.
    @Test func anArchiveGoesWithItsAccount() async throws {
        try await TestServer.run(further: Self.features) { server in
            let client = try await server.connect(1, "desk")
            client.send("<message to='user2@localhost' type='chat' id='m1'><body>Hi</body></message>")
            await client.ping()
            let account = try JID("user1@localhost")
            try await server.kernel.remove(account)
            await client.disconnect()
            try await server.server.localAccounts(of: TestServer.domain)?.add("user1", password: "pw1")
            // The place of the removal is in the next millisecond.
            while DateTime.now.milliseconds % 1_000 > 995 {}
            let other = try await server.connect(1, "desk")
            other.send("<iq type='set' id='q1'><query xmlns='urn:xmpp:mam:2'/></iq>")
            #expect(try await other.next().isNamed("iq"))
            // The other one has it still.
            let peer = try await server.connect(2, "desk")
            peer.send("<iq type='set' id='q1'><query xmlns='urn:xmpp:mam:2'/></iq>")
            #expect(try await peer.next().child("result", in: .archive) != nil)
        }
    }

    @Test func namesOfPlacesTellNothing() throws {
        let secret = [UInt8](repeating: 7, count: 32)
        let first = PlaceCipher(secret: secret, owner: try JID("a@x")), second = PlaceCipher(secret: secret, owner: try JID("b@x"))
        for number in [1, 2, 3, Int64(1) << 56, 28_000_000_000_000_000, .max] {
            let place = ArchivePlace(number: number)
            #expect(first.place(named: first.name(of: place)) == place)
            #expect(first.name(of: place) != second.name(of: place))
            #expect(second.place(named: first.name(of: place)) != place)
            #expect(first.name(of: place).utf8.count == 13)
        }
        for name in ["", "0", "no-such-place", "zzzzzzzzzzzzz", "0123456789ABC", "00000000000000", "ü000000000000"] {
            _ = first.place(named: name)
        }
        #expect(first.place(named: "no-such-place") == nil)
    }
}
