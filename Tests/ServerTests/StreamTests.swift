import NIOCore
import Testing

@testable import Server

/// Streams over real sockets: opening, limits, and how they end.
@Suite(.timeLimit(.minutes(2))) struct StreamTests {
    // MARK: Ends (RFC 6120 §4.4)

    @Test func peerClosesItsStream() async throws {
        try await LiveServer.run { live in
            let client = try await live.logIn(1)
            client.send(RawClient.end)
            #expect(try await client.readToEnd() == RawClient.end)
            await client.close()
            let early = try await live.connect()
            early.send(RawClient.header + RawClient.end)
            #expect(try await early.readToEnd().hasSuffix("</stream:features>" + RawClient.end))
            await early.close()
            try await live.awaitStreams(0)
        }
    }

    @Test func peerClosesItsConnection() async throws {
        try await LiveServer.run { live in
            let abrupt = try await live.logIn(1, resource: "abrupt")
            let half = try await live.logIn(1, resource: "half")
            await abrupt.close()
            await half.closeOutput()
            #expect(try await half.readToEnd() == RawClient.end)
            await half.close()
            try await live.awaitStreams(0)
        }
    }

    /// After our end nothing is processed, and the connection is closed though the peer does not end its stream.
    @Test func peerDoesNotAnswerTheEnd() async throws {
        try await LiveServer.run { live in
            let witness = try await live.logIn(2)
            let client = try await live.logIn(1)
            client.send("<pubsub/><message to='user2@localhost/test'><body>too late</body></message>")
            #expect(try await client.readToEnd().hasSuffix(RawClient.end))
            try await live.awaitStreams(1)
            try await witness.ping()
            await witness.close()
            await client.close()
        }
    }

    // MARK: Whitespace, chunks

    @Test func whitespaceBetweenElements() async throws {
        try await LiveServer.run { live in
            let client = try await live.connect()
            client.send(" \r\n")
            try await live.logIn(client, 1)
            for _ in 0..<5 { client.send(" \n\t\r") }
            try await client.ping()
            client.send(" ")
            try await client.ping()
            await client.close()
        }
    }

    @Test func bytesOneByOne() async throws {
        try await LiveServer.run { live in
            let client = try await live.logIn(1)
            for byte in "<iq type='get' id='drip' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>".utf8 {
                client.send([byte])
            }
            try await client.read(until: "id='drip'")
            await client.close()
        }
    }

    @Test func streamsWithUnusualRoots() async throws {
        try await LiveServer.run { live in
            let receiver = try await live.logIn(2)
            let own = " xmlns='jabber:client'"
            let roots: [(String, String)] = [
                ("<stream xmlns='http://etherx.jabber.org/streams' to='localhost' version='1.0'>", own),
                ("<stream:stream xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>", own),
                (
                    "<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' xmlns:p='urn:p' to='localhost' version='1.0'>",
                    ""
                ),
            ]
            for (root, namespace) in roots {
                let client = try await live.connect()
                let account = try await live.account(1)
                try await client.authenticate(account.name, account.password)
                client.send(root)
                try await client.read(until: "</stream:features>")
                client.send(
                    "<iq type='set' id='b'\(namespace)><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
                try await client.read(until: "</iq>")
                client.send(
                    "<message to='user2@localhost/test'\(namespace)><body>hello</body></message>"
                )
                try await receiver.read(until: "<body>hello</body>")
                await client.close()
            }
            await receiver.close()
        }
    }

    // MARK: Resources (RFC 6120 §7)

    @Test func resources() async throws {
        try await LiveServer.run { live in
            var jids: Set<String> = []
            var clients: [RawClient] = []
            for wish in [nil, nil, "", "balcony"] as [String?] {
                let client = try await live.connect()
                let account = try await live.account(1)
                try await client.authenticate(account.name, account.password)
                let jid = try await client.bind(wish)
                #expect(jid.hasPrefix("user1@localhost/"))
                #expect(wish != "balcony" || jid == "user1@localhost/balcony")
                #expect(jid.utf8.count > "user1@localhost/".utf8.count)
                jids.insert(jid)
                clients.append(client)
            }
            #expect(jids.count == 4)
            for client in clients { await client.close() }
        }
    }

    @Test(arguments: ["a\u{FFF9}", String(repeating: "x", count: 1_024)]) func badResources(resource: String)
        async throws
    {
        try await LiveServer.run { live in
            let client = try await live.connect()
            let account = try await live.account(1)
            try await client.authenticate(account.name, account.password)
            client.send(RawClient.header)
            try await client.read(until: "</stream:features>")
            client.send(
                "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>\(resource)</resource></bind></iq>"
            )
            // §7.7.2.1: it "SHOULD instead process the resourcepart so that it is in conformance".
            let answer = try await client.read(until: "</iq>")
            #expect(answer.contains("<jid>user1@localhost/"))
            #expect(!answer.contains(resource))
            try await client.ping()
            await client.close()
        }
    }

    // MARK: Rates

    /// A limit slows the client down; nothing is lost or refused, and the order stays.
    @Test(arguments: [true, false]) func ratesGiveBackPressure(isOfStanzas: Bool) async throws {
        try await LiveServer.run(
            domains: ["localhost"],
            { configuration in
                if isOfStanzas {
                    configuration[LimitSettings.stanzasPerSecond] = 100
                    configuration[LimitSettings.stanzasBurst] = 10
                } else {
                    configuration[LimitSettings.bytesPerSecond] = ByteCount(20_000)
                    configuration[LimitSettings.bytesBurst] = ByteCount(10_000)
                }
            }
        ) { live in
            let client = try await live.logIn(1)
            let body = String(repeating: "x", count: isOfStanzas ? 1 : 400)
            client.send(
                (0..<60).map { "<message to='user1@localhost/test' id='n\($0)'><body>\(body)</body></message>" }
                    .joined())
            for number in 0..<60 {
                let message = try await client.read(until: "</message>")
                #expect(message.contains("id='n\(number)'"))
            }
            try await client.ping()
            await client.close()
        }
    }

    /// What a client sends beyond its rate stays with the client.
    @Test func floodStaysWithItsSender() async throws {
        try await LiveServer.run { live in
            let witness = try await live.logIn(2)
            let client = try await live.logIn(1)
            let flood = client.sending(ByteBuffer(repeating: 0x20, count: 64 << 20))
            let isDone = Flag()
            flood.whenSuccess { isDone.set() }
            for _ in 0..<20 { try await witness.ping() }
            #expect(!isDone.isSet)
            await client.close()
            await witness.close()
        }
    }

    /// A client that does not read is closed when too much waits for it; its sender is not held up.
    @Test func peerThatDoesNotRead() async throws {
        try await LiveServer.run(
            domains: ["localhost"],
            {
                $0[LimitSettings.bytesPerSecond] = .mebibytes(500)
                $0[LimitSettings.bytesBurst] = .mebibytes(500)
            }
        ) { live in
            let sender = try await live.logIn(1)
            let deaf = try await live.logIn(2)
            try await deaf.stopReading()
            let message =
                "<message to='user2@localhost/test'><body>\(String(repeating: "x", count: 200_000))</body></message>"
            // The system's own buffers come before the server's.
            for _ in 0..<40 where try await live.streamCount() == 2 {
                for _ in 0..<5 { sender.send(message) }
                try await sender.ping()
            }
            try await live.awaitStreams(1)
            try await sender.ping()
            await sender.close()
            await deaf.close()
        }
    }
}
