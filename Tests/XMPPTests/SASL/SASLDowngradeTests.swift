import Testing
import XMPP

/// Somebody between client and server who changes what the server offers (RFC 5802 §6, XEP-0440, XEP-0474 §5).
struct SASLDowngradeTests {
    private func outcome(
        _ server: SASLTestServer, bindings: [ChannelBinding]? = nil, hashes: [ScramHash] = ScramHash.allForTests,
        seeing change: (inout SASLAdvertisement) -> Void
    ) throws(SASLClientError) -> SASLTestServer.Outcome {
        var seen = server.advertisement
        change(&seen)
        return server.run(try server.client(bindings: bindings, seeing: seen, hashes: hashes))
    }

    /// XEP-0474's attack 1: the channel-binding types are exchanged for ones the client does not know.
    @Test func unknownChannelBindingTypes() throws {
        let server = SASLTestServer()
        #expect(try outcome(server) { $0.channelBindingTypes = ["x-nothing"] } == .clientFailed(.downgrade))
        #expect(
            try outcome(server, bindings: [SASLTestServer.exporter]) {
                $0.channelBindingTypes = ["tls-server-end-point"]
            } == .clientFailed(.downgrade))
    }

    /// The strong type is removed to have the weak one used, for which the attacker has the key.
    @Test func aWeakerChannelBindingType() throws {
        let server = SASLTestServer()
        #expect(
            try outcome(server) { $0.channelBindingTypes.removeAll { $0 == "tls-exporter" } }
                == .clientFailed(.downgrade))
    }

    /// XEP-0474's attack 2: strong hashes are removed, for a client without channel binding.
    @Test(arguments: [true, false]) func aWeakerHash(bindsChannel: Bool) throws {
        var server = SASLTestServer()
        if !bindsChannel { server.bindings = [] }
        #expect(
            try outcome(server) { $0.mechanisms.removeAll { $0.contains("SHA-512") || $0.contains("SHA-256") } }
                == .clientFailed(.downgrade))
        #expect(try outcome(server) { $0.mechanisms.removeAll { $0 == "PLAIN" } } == .clientFailed(.downgrade))
        #expect(try outcome(server) { $0.mechanisms.append("X-NEW") } == .clientFailed(.downgrade))
    }

    /// Without XEP-0474 the flag `y` tells the server that its -PLUS mechanisms were removed.
    @Test func removedPlusMechanisms() throws {
        var server = SASLTestServer()
        server.protectsAgainstDowngrades = false
        #expect(
            try outcome(server) {
                $0.mechanisms.removeAll { $0.hasSuffix("-PLUS") }
                $0.channelBindingTypes = []
            } == .failed(.notAuthorized))
        #expect(throws: SASLClientError.suspiciousOffer) {
            try outcome(server) { $0.mechanisms.removeAll { $0.hasSuffix("-PLUS") } }
        }
    }

    @Test func theFlagYIsFineIfNothingWasOffered() throws {
        var server = SASLTestServer()
        server.bindings = []
        let client = try server.client(bindings: [SASLTestServer.exporter])
        var first = ""
        let outcome = server.run(client) { number, text in
            if number == 0 { first = String(decoding: Base64.decode(text) ?? [], as: UTF8.self) }
            return text
        }
        #expect(first.hasPrefix("y,,"))
        guard case .succeeded = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    /// Removing or replacing the attribute on the way changes what the proof is made over.
    @Test func changingTheAttributeIsNoticedByTheServer() throws {
        let server = SASLTestServer()
        var seen = server.advertisement
        seen.mechanisms.removeAll { $0.contains("SHA-512") }
        let client = try server.client(seeing: seen)
        #expect(client.mechanism == .scram(.sha256, channelBinding: true))
        let forged = Base64.encode(
            ScramHash.testSHA256.digest(
                Array(
                    (seen.mechanisms.sorted().joined(separator: "\u{1E}") + "\u{1F}"
                        + seen.channelBindingTypes.sorted().joined(separator: "\u{1E}")).utf8)))
        for attribute in [[], Array(",h=".utf8) + forged] {
            let outcome = server.run(client) { number, text in
                guard number == 1, let message = Base64.decode(text) else { return text }
                let parts = message.split(separator: UInt8(ascii: ","))
                return Base64.encode(Array(parts[..<3].joined(separator: [UInt8(ascii: ",")])) + attribute)
            }
            #expect(outcome == .failed(.notAuthorized))
        }
    }

    /// A list without the type every server has to have: go on only if the server vouches for it (XEP-0474 §6).
    @Test func anOddButHonestListIsAccepted() throws {
        var server = SASLTestServer()
        server.bindings = [ChannelBinding(ChannelBindingType(rawValue: "x-new"), data: [1])]
        let client = try server.client(bindings: [SASLTestServer.exporter])
        #expect(client.mechanism == .scram(.sha512, channelBinding: false))
        guard case .succeeded = server.run(client) else {
            Issue.record("the honest server was refused")
            return
        }
        server.protectsAgainstDowngrades = false
        #expect(server.run(try server.client(bindings: [SASLTestServer.exporter])) == .clientFailed(.downgrade))
        server.scramHashes = []
        #expect(try server.client(bindings: [SASLTestServer.exporter]).mechanism == .plain)
    }

    @Test func aServerWithoutXEP0440GetsTheTypeEveryServerHas() throws {
        let server = SASLTestServer()
        var seen = server.advertisement
        seen.channelBindingTypes = []
        var plain = server
        plain.protectsAgainstDowngrades = false
        guard case .succeeded(let success) = plain.run(try server.client(seeing: seen)) else {
            Issue.record("no success")
            return
        }
        #expect(success.channelBinding == .tlsServerEndPoint)
    }

    /// The order in which names are advertised does not matter, nor do mechanisms other code speaks.
    @Test func theOrderDoesNotMatter() throws {
        var server = SASLTestServer()
        server.others = ["EXTERNAL", "X-OAUTH2"]
        let outcome = try outcome(server) {
            $0.mechanisms.reverse()
            $0.channelBindingTypes.reverse()
        }
        guard case .succeeded = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(try self.outcome(server) { $0.mechanisms.removeAll { $0 == "EXTERNAL" } } == .clientFailed(.downgrade))
    }
}
