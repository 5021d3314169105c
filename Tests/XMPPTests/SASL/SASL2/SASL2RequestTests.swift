import Testing
import XMPP

/// What an `<authenticate/>` says, and what it must not.
struct SASL2RequestTests {
    private func request(_ content: String, mechanism: String = "PLAIN") throws -> SASL2Request {
        try SASL2Request(
            SASL2TestServer.element(
                "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='\(mechanism)'>\(content)</authenticate>"))
    }

    @Test func absentEmptyAndPresentResponses() throws {
        #expect(try request("").initialResponse == nil)
        #expect(try request("<initial-response/>").initialResponse == Array("=".utf8))
        #expect(try request("<initial-response></initial-response>").initialResponse == Array("=".utf8))
        #expect(try request("<initial-response>AAAA</initial-response>").initialResponse == Array("AAAA".utf8))
        #expect(throws: SASLFailure.self) { try request("<initial-response/><initial-response/>") }
        #expect(try request("<initial-response xmlns='other'>AAAA</initial-response>").initialResponse == nil)
    }

    /// The order of the elements does not matter.
    @Test func elementsInAnyOrder() throws {
        let parts = [
            "<initial-response>AAAA</initial-response>", SASL2TestServer.userAgent,
            "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade>",
            "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>",
            "<fast xmlns='urn:xmpp:fast:0' count='7' invalidate='true'/>",
        ]
        let first = try request(parts.joined())
        for offset in parts.indices {
            #expect(try request((parts[offset...] + parts[..<offset]).joined()) == first)
        }
        #expect(first.userAgent?.id == SASL2TestServer.device)
        #expect(first.userAgent?.software == "AwesomeXMPP")
        #expect(first.upgrades == [.sha512])
        #expect(first.wantedToken == .unbound)
        #expect(first.fast?.count == 7)
        #expect(first.fast?.invalidates == true)
    }

    @Test(arguments: [
        "", "d4565fa7", "d4565fa74d724749b3d3740edbf87770", "d4565fa7-4d72-1749-b3d3-740edbf87770",
        "d4565fa7-4d72-4749-c3d3-740edbf87770", "d4565fa7-4d72-4749-b3d3-740edbf8777g",
        "d4565fa7-4d72-4749-b3d3-740edbf877700", "é4565fa7-4d72-4749-b3d3-740edbf8777",
    ])
    func whatIsNoIdentifier(_ id: String) throws {
        #expect(try request("<user-agent id='\(id)'/>").userAgent?.id == nil)
    }

    @Test func identifiersInCapitals() throws {
        let id = SASL2TestServer.device.uppercased()
        #expect(try request("<user-agent id='\(id)'/>").userAgent?.id == SASL2TestServer.device)
    }

    @Test(arguments: ["-1", "x", "", "+1", " 1", "1.0", "2147483648", "٣"])
    func countsThatAreNone(_ count: String) {
        #expect(throws: SASLFailure.self) { try request("<fast xmlns='urn:xmpp:fast:0' count='\(count)'/>") }
    }

    @Test(arguments: ["yes", "TRUE", "", "2"]) func wordsThatAreNoTruthValues(_ word: String) {
        #expect(throws: SASLFailure.self) { try request("<fast xmlns='urn:xmpp:fast:0' invalidate='\(word)'/>") }
    }

    @Test func unknownTasksAndTokensAreIgnored() throws {
        let content = """
            <upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-1</upgrade>\
            <upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-256-PLUS</upgrade>\
            <upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-256</upgrade>\
            <upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-256</upgrade>\
            <request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-512-NONE'/>
            """
        #expect(try request(content).upgrades == [.sha256])
        #expect(try request(content).wantedToken == nil)
    }
}
