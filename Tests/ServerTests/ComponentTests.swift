import Foundation
import NIOCore
import TLS
import Testing
import XMPP

@testable import Server

/// The connections of external components, where a transcript does not reach.
@Suite struct ComponentTests {
    private static let secret = "correct horse"

    /// A server with two components and a listener for them, the second of its ports.
    private static func run(
        _ second: ComponentSection.SecondConnection = .refuse, _ configure: (inout Configuration) -> Void = { _ in },
        _ body: (LiveServer) async throws -> Void
    ) async throws {
        try await LiveServer.run { configuration in
            var gateway = ComponentSection(name: "gateway.localhost", secret: .text(secret))
            gateway.secondConnection = second
            configuration.components = [gateway]
            configuration.listeners.append(ListenerSection(kind: .component, port: 0, address: .loopback, tls: .none))
            configuration[LimitSettings.stanzasPerSecond] = 1_000_000
            configuration[LimitSettings.stanzasBurst] = 1_000_000
            configuration[LimitSettings.bytesPerSecond] = .gibibytes(1)
            configuration[LimitSettings.bytesBurst] = .gibibytes(1)
            configure(&configuration)
        } _: { try await body($0) }
    }

    private static func open(_ live: LiveServer) async throws -> (client: RawClient, id: String) {
        let client = try await RawClient.connect(port: live.server.ports[1])
        client.send(
            "<stream:stream to='gateway.localhost' xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>")
        try await client.read(until: " id='")
        let id = try await client.read(until: "'").dropLast()
        try await client.read(until: ">")
        return (client, String(id))
    }

    private static func proof(_ id: String) -> String {
        Hash.sha1.digest(Array((id + secret).utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    private static func connect(_ live: LiveServer) async throws -> RawClient {
        let (client, id) = try await open(live)
        client.send("<handshake>\(proof(id))</handshake>")
        try await client.read(until: "<handshake/>")
        return client
    }

    @Test func aSecondConnectionIsRefused() async throws {
        try await Self.run { live in
            let first = try await Self.connect(live)
            let (second, id) = try await Self.open(live)
            second.send("<handshake>\(Self.proof(id))</handshake>")
            #expect(try await second.readToEnd().contains("<conflict "))
            first.send("<iq type='get' from='gateway.localhost' to='localhost' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
            try await first.read(until: "id='p'")
            // The place is free again.
            await first.close()
            try await live.awaitStreams(0)
            _ = try await Self.connect(live)
        }
    }

    /// On whichever loops the connections are.
    @Test func connectionsReplaceEachOther() async throws {
        try await Self.run(.replace) { live in
            var last = try await Self.connect(live)
            for _ in 0..<8 {
                let next = try await Self.connect(live)
                #expect(try await last.readToEnd().contains("<conflict "))
                last = next
            }
            last.send("<iq type='get' from='gateway.localhost' to='localhost' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
            try await last.read(until: "id='p'")
        }
    }

    /// Whatever a handshake is but the right one, it is not authorized, and the server goes on.
    @Test func mutatedHandshakesAreRefused() async throws {
        try await Self.run { live in
            var generator = SystemRandomNumberGenerator()
            for attempt in 0..<60 {
                let (client, id) = try await Self.open(live)
                var proof = Array(Self.proof(id).utf8)
                switch attempt % 6 {
                case 0: proof[Int.random(in: 0..<40, using: &generator)] ^= UInt8.random(in: 1...15, using: &generator) & 1 | 16
                case 1: proof.removeLast(Int.random(in: 1...40, using: &generator))
                case 2: proof.append(UInt8(ascii: "0"))
                case 3: proof = Array(String(decoding: proof, as: UTF8.self).uppercased().utf8)
                case 4: proof.swapAt(0, proof.lastIndex { $0 != proof[0] } ?? 1)
                default: proof.insert(UInt8(ascii: "\u{20}"), at: 20)
                }
                let right = Self.proof(id)
                let isRight = String(decoding: proof, as: UTF8.self) == right
                client.send("<handshake>\(Markup.escaped(proof))</handshake>")
                if isRight {
                    try await client.read(until: "<handshake/>")
                } else {
                    #expect(try await client.readToEnd().contains("<not-authorized "))
                }
                await client.close()
            }
            try await live.awaitStreams(0)
            _ = try await Self.connect(live)
        }
    }

    /// A component that reads nothing stops its senders, and nothing is lost when it reads again.
    @Test func whoSendsMoreThanIsReadWaits() async throws {
        try await Self.run { live in
            let component = try await Self.connect(live)
            let sender = try await live.logIn(1)
            let witness = try await live.logIn(2)
            try await component.stopReading()
            let body = String(repeating: "x", count: 10_000)
            let count = 3_000
            // 30 MB: far more than the sockets' buffers and the server's limit.
            let sent = Flag()
            for number in 0..<count {
                let future = sender.sending(
                    ByteBuffer(string: "<message to='a@gateway.localhost' id='\(number)'><body>\(body)</body></message>"))
                if number == count - 1 { future.whenComplete { _ in sent.set() } }
            }
            // Others go on, and the component is still connected.
            for _ in 0..<20 {
                try await witness.ping()
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(!sent.isSet)
            #expect(try await live.streamCount() == 3)
            try await component.startReading()
            for number in stride(from: 0, to: count, by: 25) { try await component.read(until: " id='\(number)'") }
            try await component.read(until: " id='\(count - 1)'")
            try await sender.ping()
        }
    }

    /// Who waits for a component goes on when it is gone, and gets back what it sends then.
    @Test func whoWaitsGoesOnWhenTheComponentIsGone() async throws {
        try await Self.run { live in
            let component = try await Self.connect(live)
            let sender = try await live.logIn(1)
            try await component.stopReading()
            let body = String(repeating: "x", count: 10_000)
            // Not so much that what comes back is more than the sender may leave unread.
            for number in 0..<1_500 {
                sender.send("<message to='a@gateway.localhost' id='\(number)'><body>\(body)</body></message>")
            }
            try await Task.sleep(for: .milliseconds(200))
            await component.close()
            sender.send("<message to='a@gateway.localhost' id='last'/>")
            var answer = ""
            while !answer.contains(" id='last'") { answer = try await sender.read(until: "</message>") }
            #expect(answer.contains("<remote-server-timeout "))
        }
    }

    /// What a component asks for is answered a little at a time, and all of it.
    @Test func everyRequestOfAFloodIsAnswered() async throws {
        try await Self.run { configuration in
            configuration[LimitSettings.componentStanzasBurst] = 100_000
        } _: { live in
            let component = try await Self.connect(live)
            let count = 500
            for number in 0..<count {
                component.send(
                    "<iq type='get' from='gateway.localhost' to='nobody\(number)@localhost' id='\(number).'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
                )
            }
            for _ in 0..<count { try await component.read(until: "</iq>") }
            component.send("<iq type='get' from='gateway.localhost' to='localhost' id='last'><ping xmlns='urn:xmpp:ping'/></iq>")
            try await component.read(until: " id='last'")
        }
    }

    @Test func secretsComeFromFiles() throws {
        let folder = try ConfigurationDirectory()
        try folder.write("correct horse\n", to: "secret")
        try folder.write("\n", to: "empty")
        let component = try Component(ComponentSection(name: "a.test", secret: .file(folder.path + "/secret")))
        #expect(component.isProven(by: Self.proof("id"), streamID: "id"))
        #expect(!component.isProven(by: Self.proof("other"), streamID: "id"))
        #expect(throws: ListenerError.self) {
            try Component(ComponentSection(name: "a.test", secret: .file(folder.path + "/empty")))
        }
        #expect(throws: ListenerError.self) {
            try Component(ComponentSection(name: "a.test", secret: .file(folder.path + "/nothing")))
        }
    }

    @Test func whatWasToldIsTakenBackOnce() throws {
        let (a, b) = (try JID("a@gateway.localhost"), try JID("b@gateway.localhost/x"))
        let (bare, full, other) = (try JID("u@localhost"), try JID("u@localhost/1"), try JID("u@localhost/2"))
        var told = ToldPresence()
        told.sent(.available, from: a, to: full)
        told.sent(.available, from: a, to: full)
        told.sent(.available, from: a, to: other)
        told.sent(.available, from: b, to: bare)
        told.sent(.subscribe, from: b, to: full)
        #expect(told.count == 3)
        told.sent(.unavailable, from: a, to: full)
        #expect(told.count == 2)
        let all = told.takeAll()
        #expect(all.map(\.from) == [a, b])
        #expect(all.map(\.to) == [other, bare])
        #expect(told.takeAll().isEmpty)
        told.sent(.available, from: a, to: full)
        told.sent(.available, from: a, to: other)
        told.sent(.unavailable, from: a, to: bare)
        #expect(told.count == 0)
        for number in 0..<ToldPresence.limit + 10 {
            told.sent(.available, from: try JID("n\(number)@gateway.localhost"), to: bare)
        }
        #expect(told.count == ToldPresence.limit)
    }
}

private enum Markup {
    static func escaped(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self).replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    }
}
