import Testing
import XMPP

/// Messages that break a rule, each with the condition it deserves (RFC 6120 §6.5).
struct SASLMalformedTests {
    let server = SASLTestServer()

    @Test(arguments: ["!", "AA", "AAA", "A===", "Zg==\n", " Zg==", "Zg= =", "Zh==", "Zm9v=", "AAAA-AAA"])
    func badBase64(text: String) {
        for name in ["PLAIN", "SCRAM-SHA-1"] {
            var exchange = server.exchange
            let first = exchange.auth(
                mechanism: name, initialResponse: Array(text.utf8), nonce: SASLTestServer.serverNonce)
            #expect(first.condition == .incorrectEncoding)
            #expect(server.auth(name, nil, &exchange).challenge == "")
            #expect(exchange.response(Array(text.utf8)).condition == .incorrectEncoding)
        }
    }

    @Test(arguments: ["", "="]) func zeroLength(text: String) {
        for name in ["PLAIN", "SCRAM-SHA-1"] {
            var exchange = server.exchange
            let first = exchange.auth(
                mechanism: name, initialResponse: Array(text.utf8), nonce: SASLTestServer.serverNonce)
            if text.isEmpty {
                #expect(first.challenge == "", "no text is no initial response")
                #expect(exchange.response([]).condition == .malformedRequest)
            } else {
                #expect(first.condition == .malformedRequest, "= is an empty initial response")
            }
        }
    }

    @Test func tooLong() {
        let longest = SASLExchange.maximumMessageSize
        for (size, name) in [(longest + 3, "PLAIN"), (longest + 3, "SCRAM-SHA-1"), (1_000_000, "PLAIN")] {
            var exchange = server.exchange
            #expect(
                server.auth(name, [UInt8](repeating: 65, count: size), &exchange).condition == .malformedRequest)
        }
        func plain(_ authzid: Int, _ username: Int, _ password: Int) -> SASLExchange.Action {
            var exchange = server.exchange
            let parts = [authzid, username, password].map { String(repeating: "x", count: $0) }
            return exchange.auth(
                mechanism: "PLAIN", initialResponse: Base64.encode(Array(parts.joined(separator: "\0").utf8)),
                nonce: SASLTestServer.serverNonce)
        }
        #expect(plain(0, 1023, 1024).ticket != nil)
        #expect(plain(0, 1024, 1024).condition == .malformedRequest)
        #expect(plain(0, 1023, 1025).condition == .malformedRequest)
        #expect(plain(2048, 1023, 1024).condition == .invalidAuthzid)
        var exchange = server.exchange
        let name = String(repeating: "x", count: 1024)
        #expect(
            server.auth("SCRAM-SHA-1", Array("n,,n=\(name),r=abc".utf8), &exchange).condition == .malformedRequest)
    }

    static let badPlain: [[UInt8]] =
        [
            "x", "\0", "\0\0", "\0juliet", "\0juliet\0", "\0\0secret", "a\0b", "juliet\0secret", "\0\0\0", "\0a\0b\0",
            "\0a\0b\0c",
        ].map { Array($0.utf8) }
        + [[0, 0xFF, 0, 65], [0, 65, 0, 0xC0, 0x80], [0xED, 0xA0, 0x80, 0, 65, 0, 65], [0, 0xC3, 0, 65]]

    @Test(arguments: badPlain) func plain(message: [UInt8]) {
        var exchange = server.exchange
        #expect(server.auth("PLAIN", message, &exchange).condition == .malformedRequest)
    }

    static let badFirst: [String] = [
        "n", "n,", "n,,", "n,,n=user", "n,,n=user,", "n,,r=abc,n=user", "n,,n=,r=abc", "n,,n=user,r=",
        "x,,n=user,r=abc", "N,,n=user,r=abc", "nn,,n=user,r=abc", "n=,,n=user,r=abc", ",,n=user,r=abc",
        "n,n=user,r=abc",
        "n,x,n=user,r=abc", "n,a=,n=user,r=abc", "n,a,n=user,r=abc", "n,a==2c,n=user,r=abc", "n,,n==,r=abc",
        "n,,n=a=2c,r=abc", "n,,n=a=3d,r=abc", "n,,n=a=,r=abc", "n,,n=a=2,r=abc", "n,,n=a=41,r=abc",
        "n,,m=x,n=user,r=abc",
        "n,,n=user,m=x,r=abc", "n,,n=user,r=abc,m=x", "n,,n=user,r=abc,", "n,,n=user,r=abc,,", "n,,n=user,r=abc,x",
        "n,,n=user,r=abc,x=", "n,,n=user,r=abc,1=a", "n,,n=user,r=abc,xx=a", "n,,n=user,r=abc,r=abc",
        "n,,n=user,r=abc,n=root", "n,,n=user,r=abc,p=x", "n,,n=user,r=a c", "n,,n=user,r=aé", "n,,n=user,r=a\u{7F}",
        "n,,n=user\0,r=abc", " n,,n=user,r=abc", "F,n,,n=user,r=abc", "p=tls-exporter,,n=user,r=abc",
        "p=,,n=user,r=abc", "p,,n=user,r=abc",
    ]

    @Test(arguments: badFirst) func scramFirst(message: String) {
        var exchange = server.exchange
        #expect(server.auth("SCRAM-SHA-256", Array(message.utf8), &exchange).condition == .malformedRequest)
    }

    @Test func scramFirstMustBeUTF8() {
        var exchange = server.exchange
        let message = Array("n,,n=".utf8) + [0xFF] + Array(",r=abc".utf8)
        #expect(server.auth("SCRAM-SHA-256", message, &exchange).condition == .malformedRequest)
    }

    @Test(arguments: [
        "n,,n=user,r=abc", "y,,n=user,r=abc", "p=tls-unique,,n=user,r=abc", "p=x,,n=user,r=abc", "p=,,n=user,r=abc",
        "p=tls_exporter,,n=user,r=abc", "p=TLS-EXPORTER,,n=user,r=abc",
    ])
    func scramPlusFirst(message: String) {
        var exchange = server.exchange
        #expect(server.auth("SCRAM-SHA-256-PLUS", Array(message.utf8), &exchange).condition == .malformedRequest)
    }

    @Test func optionalExtensionsAreIgnored() throws {
        var server = server
        server.bindings = []
        for ext in ["", ",x=1", ",z==,Y=a=b", ",q=ü"] {
            var exchange = server.exchange
            #expect(
                server.auth("SCRAM-SHA-256", Array("y,,n=juliet,r=abc\(ext)".utf8), &exchange).challenge != nil)
        }
    }

    /// Turns a good final message into a bad one, in every way that must show.
    static let badFinal: [(String, SASLFailure.Condition)] = [
        ("", .malformedRequest), ("c=biws", .malformedRequest), ("c=biws,r=NONCE", .malformedRequest),
        ("c=biws,r=NONCE,p=", .malformedRequest), ("r=NONCE,c=biws,p=PROOF", .malformedRequest),
        ("m=x,c=biws,r=NONCE,p=PROOF", .malformedRequest), ("c=biws,r=NONCE,m=x,p=PROOF", .malformedRequest),
        ("c=biws,r=NONCE,p=PROOF,x=1", .malformedRequest), ("c=biws,r=NONCE,p=PROOF,", .malformedRequest),
        ("c=biws,r=NONCE,x,p=PROOF", .malformedRequest), ("c=biws,r=NONCE,r=NONCE,p=PROOF", .malformedRequest),
        ("c=biws,r=NONCE,p=PROOF,p=PROOF", .malformedRequest), ("c=bi!s,r=NONCE,p=PROOF", .malformedRequest),
        ("c=,r=NONCE,p=PROOF", .malformedRequest), ("c=biws,r=NONCE,p=PR00F", .malformedRequest),
        ("c=biws,r=NONCE,p=AAAA", .malformedRequest), ("c=biws,r=NONCE,p=PROOF\0", .malformedRequest),
        ("c=biws,r=NONCEx,p=PROOF", .notAuthorized), ("c=biws,r=x,p=PROOF", .notAuthorized),
        ("c=eSws,r=NONCE,p=PROOF", .notAuthorized), ("c=biwsAAAA,r=NONCE,p=PROOF", .notAuthorized),
        ("c=biws,r=NONCE,p=WRONG", .notAuthorized), ("c=biws,r=NONCE,x=1,p=PROOF", .notAuthorized),
    ]

    @Test(arguments: badFinal) func scramFinal(message: String, condition: SASLFailure.Condition) throws {
        // A user who does not exist gets the same answers as one who does.
        for username in ["juliet", "nobody"] {
            var client = try server.client(username, mechanism: .scram(.sha1, channelBinding: false), bindings: [])
            var exchange = server.exchange
            let first = exchange.auth(
                mechanism: "SCRAM-SHA-1", initialResponse: client.initialResponse, nonce: SASLTestServer.serverNonce)
            guard case .challenge(let text) = server.answer(first, &exchange) else {
                Issue.record("no challenge")
                return
            }
            let final = String(decoding: try #require(Base64.decode(client.challenged(text))), as: UTF8.self)
            let parts = final.split(separator: ",")
            let wrong = String(decoding: Base64.encode([UInt8](repeating: 7, count: 20)), as: UTF8.self)
            let replacements = [("NONCE", String(parts[1].dropFirst(2))), ("PROOF", String(parts[2].dropFirst(2)))]
            var bad = message.replacing("WRONG", with: wrong)
            for (word, replacement) in replacements { bad = bad.replacing(word, with: replacement) }
            #expect(server.response(Array(bad.utf8), &exchange).condition == condition)
        }
    }

    /// The answer to a final message put together by hand, with a proof that covers all of it.
    private func answer(
        first: String, final: (_ nonce: Substring) -> String
    ) throws -> SASLExchange.Action {
        let hash = ScramHash.testSHA1
        var exchange = server.exchange
        let challenge = try #require(
            server.auth("SCRAM-SHA-1", Array("n,,\(first)".utf8), &exchange).challenge)
        let withoutProof = final(challenge.split(separator: ",")[0])
        let account = try #require(server.accounts["juliet"])
        let salted = hash.saltedPassword(account.password, salt: account.salt, iterations: account.iterations)
        let clientKey = hash.hmac(salted, Array("Client Key".utf8))
        let signature = hash.hmac(hash.digest(clientKey), Array("\(first),\(challenge),\(withoutProof)".utf8))
        let proof = Base64.encode(zip(clientKey, signature).map { $0 ^ $1 })
        return server.response(Array("\(withoutProof),p=".utf8) + proof, &exchange)
    }

    @Test func anExtensionTheProofCoversIsFine() throws {
        let action = try answer(first: "n=juliet,r=abc,x=1") { "c=biws,\($0),x=19C6532F-1CF4" }
        #expect(action.success?.username == "juliet")
    }

    @Test func aProofOverAnotherNonceIsRefused() throws {
        for nonce in ["r=abc", "r=abcdef", "r=0"] {
            let action = try answer(first: "n=juliet,r=abc") { _ in "c=biws,\(nonce)" }
            #expect(action.condition == .notAuthorized)
        }
        #expect(try answer(first: "n=juliet,r=abc") { "c=biws,\($0)x" }.condition == .notAuthorized)
    }

    @Test func aProofOverAnotherHeaderIsRefused() throws {
        for header in ["y,,", "n,a=juliet@capulet.lit,", "p=tls-exporter,,", "n,,x"] {
            let input = String(decoding: Base64.encode(Array(header.utf8)), as: UTF8.self)
            #expect(try answer(first: "n=juliet,r=abc") { "c=\(input),\($0)" }.condition == .notAuthorized)
        }
    }

    static let badServerFirst: [String] = [
        "", "r=", "m=x,r=NONCEx,s=AAAA,i=4", "r=NONCEx", "r=NONCEx,s=AAAA", "r=NONCEx,s=,i=4", "r=NONCEx,s=AAA,i=4",
        "r=NONCEx,s=AAAA,i=", "r=NONCEx,s=AAAA,i=0", "r=NONCEx,s=AAAA,i=04", "r=NONCEx,s=AAAA,i=-4",
        "r=NONCEx,s=AAAA,i=4096x", "r=NONCEx,s=AAAA,i=99999999999999999999", "r=NONCEx,i=4,s=AAAA",
        "r=NONCEx,s=AAAA,i=4,", "r=NONCEx,s=AAAA,i=4,h", "r=NONCEx,s=AAAA,i=4,h=a,h=a", "r=NONCEx,s=AAAA,i=4,m=x",
        "r=NONCEx,s=AAAA,i=1000000", "r=NONCE,s=AAAA,i=4", "r=x,s=AAAA,i=4",
        "r=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,s=AAAA,i=4", "r=NONCEx,s=AAAA,i=4,h=AAAA", "e=x",
    ]

    @Test(arguments: badServerFirst) func clientsRefuse(message: String) throws {
        var client = try server.client()
        let nonce = String(decoding: SASLTestServer.clientNonce.text, as: UTF8.self)
        let text = Base64.encode(Array(message.replacing("NONCE", with: nonce).utf8))
        #expect(throws: SASLClientError.self) { try client.challenged(text) }
        #expect(throws: SASLClientError.outOfOrder) { try client.challenged(text) }
        #expect(throws: SASLClientError.outOfOrder) { try client.succeeded(nil) }
    }

    @Test(arguments: ["", "v=", "v=AAAA", "v=!", "x", "e=", "e=invalid-proof", "v=AAAA,v=AAAA", "m=x"])
    func clientsRefuseAsTheEnd(message: String) throws {
        let client = try server.client()
        let outcome = server.run(client) { number, text in number == 3 ? Base64.encode(Array(message.utf8)) : text }
        guard case .clientFailed(let error) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        switch message {
        case "": #expect(error == .outOfOrder)
        case "v=AAAA": #expect(error == .wrongServerSignature)
        case "e=invalid-proof": #expect(error == .refused("invalid-proof"))
        default:
            guard case .malformed = error else {
                Issue.record("\(error)")
                return
            }
        }
    }
}
