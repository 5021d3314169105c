import Testing
import XMPP

/// The client machine against the server machine.
struct SASLHandshakeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let mechanism: SASLMechanism
        let binding: ChannelBinding?
        let protects: Bool
        let withInitialResponse: Bool

        var testDescription: String {
            "\(mechanism.name) \(binding?.type.rawValue ?? "unbound") \(protects) \(withInitialResponse)"
        }
    }

    static let cases = SASLMechanism.byPreference.flatMap { mechanism in
        [SASLTestServer.exporter, SASLTestServer.endPoint, nil].flatMap { binding in
            [true, false].flatMap { protects in
                [true, false].map {
                    Case(mechanism: mechanism, binding: binding, protects: protects, withInitialResponse: $0)
                }
            }
        }
    }
    .filter { $0.binding != nil || !$0.mechanism.bindsChannel }

    @Test(arguments: cases) func rightPassword(_ test: Case) throws {
        var server = SASLTestServer()
        server.protectsAgainstDowngrades = test.protects
        let client = try server.client(mechanism: test.mechanism, bindings: test.binding.map { [$0] } ?? [])
        let outcome = server.run(client, withInitialResponse: test.withInitialResponse)
        guard case .succeeded(let success) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(success.username == "juliet")
        #expect(success.mechanism == test.mechanism)
        #expect(success.channelBinding == (test.mechanism.bindsChannel ? test.binding?.type : nil))
        #expect((success.additionalData == nil) == (test.mechanism == .plain))
    }

    @Test(arguments: cases) func wrongPasswordAndUnknownUserLookTheSame(_ test: Case) throws {
        var server = SASLTestServer()
        server.protectsAgainstDowngrades = test.protects
        for (username, password) in [("juliet", "r0m30"), ("romeo", "r0m30myr0m30"), ("Juliet", "r0m30myr0m30")] {
            let client = try server.client(
                username, password, mechanism: test.mechanism, bindings: test.binding.map { [$0] } ?? [])
            var lengths: [Int] = []
            let outcome = server.run(client, withInitialResponse: test.withInitialResponse) { number, text in
                if number == 1 { lengths.append(text.count) }
                return text
            }
            #expect(outcome == .failed(.notAuthorized))
            #expect(lengths.count == (test.mechanism == .plain ? 0 : 1))
        }
    }

    @Test(arguments: SASLMechanism.byPreference) func namesAndPasswordsWithSpecialCharacters(
        mechanism: SASLMechanism
    ) throws {
        var server = SASLTestServer()
        for name in ["a,b=c", "=2C", ",,,", "=", "jül,iet", "🌹=🌹", String(repeating: "=", count: 1023), "n=x,r=y"] {
            for password in ["p", "p=,a\u{1F339}ss", String(repeating: "x", count: 1024)] {
                server.accounts = [name: SASLTestServer.Account(password: password, iterations: 1)]
                let client = try server.client(name, password, mechanism: mechanism)
                guard case .succeeded(let success) = server.run(client) else {
                    Issue.record("\(name)")
                    continue
                }
                #expect(success.username == name)
            }
        }
    }

    @Test(arguments: SASLMechanism.byPreference) func onlyTheOwnIdentityMayBeAsked(mechanism: SASLMechanism) throws {
        let server = SASLTestServer()
        let own = try server.client(authzid: "juliet@capulet.lit", mechanism: mechanism)
        guard case .succeeded = server.run(own) else {
            Issue.record("the own identity was refused")
            return
        }
        for authzid in ["romeo@montague.lit", "juliet", "juliet@capulet.lit/balcony", "a,b=c"] {
            // Neither the password nor the account's existence changes the answer.
            for (username, password) in [("juliet", "r0m30myr0m30"), ("juliet", "wrong"), ("nobody", "wrong")] {
                let client = try server.client(username, password, authzid: authzid, mechanism: mechanism)
                #expect(server.run(client) == .failed(.invalidAuthzid))
            }
        }
    }

    @Test(arguments: SASLMechanism.byPreference) func aDisabledAccountIsToldOnlyToWhoKnowsThePassword(
        mechanism: SASLMechanism
    ) throws {
        var server = SASLTestServer()
        server.accounts["juliet"]?.refusal = SASLFailure(.accountDisabled)
        #expect(server.run(try server.client(mechanism: mechanism)) == .failed(.accountDisabled))
        #expect(server.run(try server.client("juliet", "wrong", mechanism: mechanism)) == .failed(.notAuthorized))
    }

    @Test func theBestMechanismIsChosen() throws {
        var server = SASLTestServer()
        #expect(try server.client().mechanism == .scram(.sha512, channelBinding: true))
        #expect(try server.client(bindings: []).mechanism == .scram(.sha512, channelBinding: false))
        #expect(try server.client(hashes: [.testSHA1]).mechanism == .scram(.sha1, channelBinding: true))
        server.scramHashes = []
        #expect(try server.client().mechanism == .plain)
        server.hasTLS = false
        #expect(throws: SASLClientError.noMechanism) { try server.client() }
    }

    @Test func bindingDataOfAnotherConnectionFails() throws {
        let server = SASLTestServer()
        for type in [ChannelBindingType.tlsExporter, .tlsServerEndPoint] {
            let data = SASLTestServer.exporter.data
            for data: [UInt8] in [[], [1], data.reversed(), data + [0]] {
                let client = try server.client(bindings: [ChannelBinding(type, data: data)])
                #expect(client.mechanism.bindsChannel)
                #expect(server.run(client) == .failed(.notAuthorized))
            }
        }
    }

    @Test func aServerMayEndWithAChallenge() throws {
        let server = SASLTestServer()
        var client = try server.client()
        var exchange = server.exchange
        let first = exchange.auth(
            mechanism: client.mechanism.name, initialResponse: client.initialResponse,
            nonce: SASLTestServer.serverNonce)
        guard case .challenge(let text) = server.answer(first, &exchange) else {
            Issue.record("no challenge")
            return
        }
        let success = try #require(try exchange.response(client.challenged(text)).success)
        #expect(throws: SASLClientError.outOfOrder) {
            var copy = client
            try copy.succeeded(nil)
        }
        #expect(try client.challenged(try #require(success.additionalData)) == [])
        try client.succeeded(nil)
    }
}
