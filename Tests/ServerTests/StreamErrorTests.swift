import Testing

@testable import Server

/// Every error of RFC 6120 §4.9.3 that a client can provoke, with the bytes that provoke it.
@Suite(.timeLimit(.minutes(2))) struct StreamErrorTests {
    static let namespaces = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"

    static func error(_ condition: String) -> String {
        "<stream:error><\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-streams'"
    }

    /// What goes wrong before our side of the stream is open; the error follows an opening tag all the same (§4.9.1.2).
    static let early: [([UInt8], String)] =
        [
            ("<stream:flood to='localhost' version='1.0' \(namespaces)>", "bad-format"),
            ("<stream:stream to='localhost' version='1.0' xmlns='jabber:client'>", "not-well-formed"),
            ("<stream:stream to='elsewhere.example' version='1.0' \(namespaces)>", "host-unknown"),
            (
                "<stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://wrong.example/'>",
                "invalid-namespace"
            ),
            (
                "<stream:stream to='localhost' version='1.0' xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>",
                "invalid-namespace"
            ),
            ("<stream:stream to=localhost version='1.0' \(namespaces)>", "not-well-formed"),
            ("GET / HTTP/1.1\r\n\r\n", "not-well-formed"), ("\u{16}\u{3}\u{1}", "not-well-formed"),
            ("</stream:stream>", "not-well-formed"),
            ("<stream:stream to='localhost' version='1.0' \(namespaces)/>", "not-well-formed"),
            ("<!-- hello --><stream:stream to='localhost' version='1.0' \(namespaces)>", "restricted-xml"),
            (
                "<!DOCTYPE stream [<!ENTITY a 'b'>]><stream:stream to='&a;' version='1.0' \(namespaces)>",
                "restricted-xml"
            ),
            (
                "<?xml version='1.0'?><!DOCTYPE stream><stream:stream to='localhost' version='1.0' \(namespaces)>",
                "restricted-xml"
            ),
            ("<?php hello?><stream:stream to='localhost' version='1.0' \(namespaces)>", "restricted-xml"),
            (
                "<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream to='localhost' version='1.0' \(namespaces)>",
                "unsupported-encoding"
            ),
            ("<stream:stream to='localhost' \(namespaces)>", "unsupported-version"),
            ("<stream:stream to='localhost' version='0.9' \(namespaces)>", "unsupported-version"),
            (
                "<stream:stream to='\(String(repeating: "x", count: 20_000))' version='1.0' \(namespaces)>",
                "policy-violation"
            ),
            (
                "<stream:stream to='localhost' version='1.0' xmlns:x='\(String(repeating: "x", count: 2_000))' \(namespaces)>",
                "policy-violation"
            ),
        ].map { (Array($0.0.utf8), $0.1) } + [
            (
                Array("<stream:stream to='localhost' version='1.0' a='".utf8) + [0xC3] + Array("' \(namespaces)>".utf8),
                "unsupported-encoding"
            )
        ]

    /// What goes wrong on an open stream, before log-in.
    static let negotiating: [(String, String)] = [
        ("<message to='user1@localhost'><body>hi</body></message>", "not-authorized"),
        ("<presence/>", "not-authorized"),
        ("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "not-authorized"),
        ("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "not-authorized"),
        ("<pubsub/>", "unsupported-stanza-type"), ("<hello xmlns='urn:unheard'/>", "unsupported-stanza-type"),
        ("<message></presence>", "not-well-formed"), ("<message><p:x/></message>", "not-well-formed"),
        ("hello", "not-well-formed"),
        ("<message>&nbsp;</message>", "restricted-xml"), ("<!-- -->", "restricted-xml"), ("<?x?>", "restricted-xml"),
        ("<message><!-- -->", "restricted-xml"), ("<message>\u{1}</message>", "not-well-formed"),
        ("<message>\(String(repeating: "x", count: 10_001))", "policy-violation"),
        (String(repeating: "<a>", count: 100), "policy-violation"),
        ("<a\((0..<100).map { " a\($0)=''" }.joined())/>", "policy-violation"),
    ]

    /// What goes wrong once a resource is bound.
    static let bound: [(String, String)] = [
        ("<message from='user2@localhost' to='user1@localhost'/>", "invalid-from"),
        ("<iq from='user1@localhost/other' type='get' id='1'/>", "invalid-from"),
        ("<presence from='not@a@jid'/>", "invalid-from"),
        ("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>", "not-authorized"),
        ("<message xmlns='jabber:server' to='user1@localhost'/>", "invalid-namespace"),
        ("<message xmlns:c='jabber:client' to='user1@localhost'><c:body>hi</c:body></message>", "bad-namespace-prefix"),
        ("<pubsub/>", "unsupported-stanza-type"),
        ("<message>\(String(repeating: "x", count: 262_145))</message>", "policy-violation"),
        ("<message><![CDATA[\(String(repeating: "x", count: 262_145))", "policy-violation"),
        ("<message>&lol9;</message>", "restricted-xml"), ("<message><!DOCTYPE x></message>", "restricted-xml"),
        ("<message a='<'/>", "not-well-formed"), ("\u{0}", "not-well-formed"),
        (RawClient.header, "restricted-xml"),
    ]

    @Test func whileTheStreamIsOpened() async throws {
        try await LiveServer.run { live in
            for (bytes, condition) in Self.early {
                let client = try await live.connect()
                client.send(bytes)
                let answer = try await client.readToEnd()
                #expect(answer.hasPrefix("<?xml version='1.0'?><stream:stream "), "\(condition)")
                #expect(answer.contains(Self.error(condition)), "\(answer)")
                #expect(answer.hasSuffix("</stream:error></stream:stream>"))
                await client.close()
            }
            try await live.awaitStreams(0)
        }
    }

    @Test func noDomainWhereThereAreSeveral() async throws {
        try await LiveServer.run(domains: ["one.example", "two.example"]) { live in
            let client = try await live.connect()
            client.send("<stream:stream version='1.0' \(Self.namespaces)>")
            let answer = try await client.readToEnd()
            #expect(answer.contains(Self.error("improper-addressing")))
            // §4.9.1.3
            #expect(answer.contains(" from='one.example'"))
            await client.close()
            let garbled = try await live.connect()
            garbled.send("hello")
            #expect(try await garbled.readToEnd().contains(" from='one.example'"))
            await garbled.close()
        }
    }

    /// §4.7.2, §4.7.5: what the answering header says does not depend on whether the stream can go on.
    @Test func headerBeforeAnError() async throws {
        try await LiveServer.run { live in
            for (attributes, answer) in [
                ("to='elsewhere.example' from='user1@localhost/x' version='1.0'", " to='user1@localhost' "),
                ("to='localhost' version='0.9'", " version='0.9' "),
            ] {
                let client = try await live.connect()
                client.send("<stream:stream \(attributes) \(Self.namespaces)>")
                #expect(try await client.readToEnd().contains(answer))
                await client.close()
            }
            let old = try await live.connect()
            old.send("<stream:stream to='localhost' \(Self.namespaces)>")
            let header = try await old.readToEnd().split(separator: ">").prefix(2).joined()
            #expect(!header.dropFirst("<?xml version='1.0'?>".count).contains("version"))
            await old.close()
        }
    }

    /// §5.4.2.2: the answer to a STARTTLS that cannot be gone on with.
    @Test func startTLSWithMoreBehindIt() async throws {
        try await LiveServer.run { live in
            let client = try await live.connect()
            client.send(RawClient.header)
            try await client.read(until: "</stream:features>")
            client.send(
                "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>"
            )
            #expect(
                try await client.readToEnd() == "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")
            await client.close()
        }
    }

    /// §7.7.3
    @Test func tooManyAttemptsToBind() async throws {
        try await LiveServer.run(domains: ["localhost"], { $0[Binding.conflictPolicy] = .refuse }) { live in
            let first = try await live.logIn(1, resource: "desk")
            let client = try await live.connect()
            let account = try await live.account(1)
            try await client.authenticate(account.name, account.password)
            client.send(RawClient.header)
            try await client.read(until: "</stream:features>")
            for _ in 0..<6 {
                client.send(
                    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>desk</resource></bind></iq>"
                )
                #expect(try await client.read(until: "</iq>").contains("<conflict "))
            }
            #expect(try await client.readToEnd().hasPrefix(Self.error("policy-violation")))
            await client.close()
            try await first.ping()
            await first.close()
        }
    }

    /// §4.9.1.2: a restarted stream is a new one, and begins with a header even if it ends at once.
    @Test func errorInTheHeaderAfterARestart() async throws {
        try await LiveServer.run { live in
            let client = try await live.connect()
            let account = try await live.account(1)
            try await client.authenticate(account.name, account.password)
            client.send("<!-- -->")
            let answer = try await client.readToEnd()
            #expect(answer.hasPrefix("<?xml version='1.0'?><stream:stream "))
            #expect(answer.contains(Self.error("restricted-xml")))
            await client.close()
        }
    }

    /// A client of RFC 3921 establishes a session after binding.
    @Test func sessionEstablishment() async throws {
        try await LiveServer.run { live in
            let client = try await live.logIn(1)
            for to in ["", " to='localhost'"] {
                client.send("<iq type='set' id='s'\(to)><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>")
                #expect(try await client.read(until: "id='s'").contains("type='result'"))
            }
            await client.close()
        }
    }

    @Test func beforeLogin() async throws {
        try await LiveServer.run { live in
            for (text, condition) in Self.negotiating {
                let client = try await live.connect()
                client.send(RawClient.header)
                try await client.read(until: "</stream:features>")
                client.send(text)
                let answer = try await client.readToEnd()
                #expect(answer.hasPrefix(Self.error(condition)), "\(text.prefix(80)): \(answer)")
                #expect(answer.hasSuffix("</stream:error></stream:stream>"))
                await client.close()
            }
            let client = try await live.connect()
            client.send(RawClient.header)
            try await client.read(until: "</stream:features>")
            client.send(Array("<message>".utf8) + [0xFF] + Array("</message>".utf8))
            #expect(try await client.readToEnd().hasPrefix(Self.error("unsupported-encoding")))
            await client.close()
            try await live.awaitStreams(0)
        }
    }

    @Test func beforeBinding() async throws {
        try await LiveServer.run { live in
            for text in [
                "<message to='user1@localhost'/>", "<presence/>",
                "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
            ] {
                let client = try await live.connect()
                let account = try await live.account(1)
                try await client.authenticate(account.name, account.password)
                client.send(RawClient.header)
                try await client.read(until: "</stream:features>")
                client.send(text)
                #expect(try await client.readToEnd().hasPrefix(Self.error("not-authorized")))
                await client.close()
            }
        }
    }

    @Test func onABoundStream() async throws {
        try await LiveServer.run { live in
            for (text, condition) in Self.bound {
                let client = try await live.logIn(1)
                client.send(text)
                let answer = try await client.readToEnd()
                #expect(answer.hasPrefix(Self.error(condition)), "\(text.prefix(80)): \(answer)")
                await client.close()
            }
            try await live.awaitStreams(0)
        }
    }

    @Test func startTLSOutOfPlace() async throws {
        try await LiveServer.run { live in
            let client = try await live.logIn(1)
            client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            let answer = try await client.readToEnd()
            #expect(answer == "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")
            await client.close()
        }
    }

    @Test func restartWithAnotherDomain() async throws {
        try await LiveServer.run(domains: ["localhost", "other.example"]) { live in
            let client = try await live.connect()
            let account = try await live.account(1)
            try await client.authenticate(account.name, account.password)
            client.send("<stream:stream to='other.example' version='1.0' \(Self.namespaces)>")
            #expect(try await client.readToEnd().contains(Self.error("host-unknown")))
            await client.close()
        }
    }

    /// §4.9.1.1: the peer's error ends the stream without one of ours.
    @Test func errorOfThePeer() async throws {
        try await LiveServer.run { live in
            let client = try await live.logIn(1)
            client.send(
                "<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
            )
            #expect(try await client.readToEnd() == RawClient.end)
            await client.close()
        }
    }

    @Test func conflict() async throws {
        try await LiveServer.run { live in
            let first = try await live.logIn(1, resource: "desk")
            let second = try await live.logIn(1, resource: "desk")
            #expect(try await first.readToEnd().hasPrefix(Self.error("conflict")))
            try await second.ping()
            await first.close()
            await second.close()
        }
    }

    @Test func systemShutdown() async throws {
        var client: RawClient?
        var stranger: RawClient?
        try await LiveServer.run { live in
            client = try await live.logIn(1)
            stranger = try await live.connect()
            try await live.awaitStreams(2)
            async let stopped: Void = live.stop()
            for peer in [client, stranger] {
                let answer = try await #require(peer).readToEnd()
                #expect(answer.contains(Self.error("system-shutdown")))
                #expect(answer.hasSuffix(RawClient.end))
                peer?.send(RawClient.end)
                await peer?.close()
            }
            await stopped
        }
    }

    @Test func loginTakesTooLong() async throws {
        try await LiveServer.run(domains: ["localhost"], { $0[LimitSettings.loginTime] = .seconds(1) }) { live in
            let silent = try await live.connect()
            let talking = try await live.connect()
            talking.send(RawClient.header)
            #expect(try await silent.readToEnd().contains(Self.error("policy-violation")))
            #expect(try await talking.readToEnd().contains(Self.error("policy-violation")))
            await silent.close()
            await talking.close()
            try await live.awaitStreams(0)
        }
    }

    @Test func tooManyConnections() async throws {
        try await LiveServer.run(
            domains: ["localhost"],
            {
                $0[LimitSettings.exempt] = AddressSet(networks: [])
                $0[LimitSettings.connectionsPerAddress] = 3
            }
        ) { live in
            var clients: [RawClient] = []
            for _ in 0..<3 {
                let client = try await live.connect()
                client.send(RawClient.header)
                try await client.read(until: "</stream:features>")
                clients.append(client)
            }
            let refused = try await live.connect()
            #expect(try await refused.readToEnd().contains(Self.error("resource-constraint")))
            await refused.close()
            await clients[0].close()
            try await live.awaitStreams(2)
            let accepted = try await live.connect()
            accepted.send(RawClient.header)
            try await accepted.read(until: "</stream:features>")
            for client in clients + [accepted] { await client.close() }
        }
    }

    @Test func tooManyLoginAttempts() async throws {
        try await LiveServer.run(domains: ["localhost"], { $0[LimitSettings.loginAttempts] = 3 }) { live in
            let client = try await live.connect()
            client.send(RawClient.header)
            try await client.read(until: "</stream:features>")
            let account = try await live.account(1)
            for _ in 0..<3 {
                client.send(RawClient.plain(account.name, "wrong"))
                try await client.read(
                    until: "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
            }
            #expect(try await client.readToEnd().hasPrefix(Self.error("policy-violation")))
            await client.close()
        }
    }
}
