import Testing
import XMPP

struct SASLOfferTests {
    private func names(_ facts: SASLOffer.Facts) -> [String] { SASLOffer(facts).mechanisms.map(\.name) }

    @Test func namesAreThoseOfTheRegistry() {
        #expect(
            SASLMechanism.byPreference.map(\.name) == [
                "SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-256",
                "SCRAM-SHA-1", "PLAIN",
            ])
        for mechanism in SASLMechanism.byPreference { #expect(SASLMechanism(name: mechanism.name) == mechanism) }
        for name in ["", "plain", "PLAIN-PLUS", "SCRAM-SHA-1-PLUS ", "SCRAM-MD5", "EXTERNAL"] {
            #expect(SASLMechanism(name: name) == nil)
        }
    }

    @Test func everythingOverTLS() {
        let facts = SASLOffer.Facts(
            hasTLS: true, channelBindingTypes: [.tlsExporter, .tlsServerEndPoint],
            scramHashes: [.sha1, .sha256, .sha512], checksPasswords: true)
        #expect(names(facts) == SASLMechanism.byPreference.map(\.name))
        #expect(SASLOffer(facts).channelBindingTypes == [.tlsExporter, .tlsServerEndPoint])
        #expect(
            SASLOffer(facts).advertisement(after: ["EXTERNAL"]).mechanisms.prefix(2) == [
                "EXTERNAL", "SCRAM-SHA-512-PLUS",
            ])
    }

    @Test func plainNeedsTLSUnlessAllowed() {
        var facts = SASLOffer.Facts(
            hasTLS: false, channelBindingTypes: [.tlsExporter], scramHashes: [.sha256], checksPasswords: true)
        #expect(names(facts) == ["SCRAM-SHA-256"])
        #expect(SASLOffer(facts).channelBindingTypes.isEmpty)
        facts.allowsPlainWithoutTLS = true
        #expect(names(facts) == ["SCRAM-SHA-256", "PLAIN"])
    }

    @Test func aDirectoryThatOnlyChecksPasswordsGetsPlainAlone() {
        let facts = SASLOffer.Facts(
            hasTLS: true, channelBindingTypes: [.tlsExporter], scramHashes: [], checksPasswords: true)
        #expect(names(facts) == ["PLAIN"])
        #expect(SASLOffer(facts).channelBindingTypes.isEmpty, "types without a -PLUS mechanism look like an attack")
    }

    @Test func keysAloneGetScramAlone() {
        let facts = SASLOffer.Facts(
            hasTLS: true, channelBindingTypes: [.tlsServerEndPoint], scramHashes: [.sha1], checksPasswords: false)
        #expect(names(facts) == ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"])
    }

    @Test func whatIsNotOfferedIsNotAccepted() {
        var server = SASLTestServer(hasTLS: false, scramHashes: [.sha256])
        for (name, condition): (String, SASLFailure.Condition) in [
            ("PLAIN", .encryptionRequired), ("SCRAM-SHA-1", .invalidMechanism),
            ("SCRAM-SHA-256-PLUS", .invalidMechanism), ("", .invalidMechanism), ("EXTERNAL", .invalidMechanism),
            ("scram-sha-256", .invalidMechanism),
        ] {
            var exchange = server.exchange
            #expect(server.auth(name, nil, &exchange).condition == condition, "\(name)")
        }
        server.plainWithoutTLS = true
        var exchange = server.exchange
        #expect(server.auth("PLAIN", Array("\0juliet\0r0m30myr0m30".utf8), &exchange).success != nil)
    }
}
