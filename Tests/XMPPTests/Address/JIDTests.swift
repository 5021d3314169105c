import Testing

@testable import XMPP

@Suite struct JIDTests {
    @Test func partsOfAFullAddress() throws {
        let jid = try JID("Juliet@Example.COM/foo@bar/baz")
        #expect(jid.description == "juliet@example.com/foo@bar/baz")
        #expect(jid.local == "juliet")
        #expect(jid.domain == "example.com")
        #expect(jid.resource == "foo@bar/baz")
        #expect(jid.isFull && !jid.isBare && !jid.isDomain)
        #expect(jid.bare.description == "juliet@example.com")
        #expect(jid.bare.isBare && jid.bare.bare == jid.bare)
        #expect(jid.domainJID.description == "example.com")
        #expect(jid.domainJID.isDomain)
    }

    @Test func sameBareAddressFromEveryWay() throws {
        let full = try JID("juliet@example.com/balcony")
        let bare = try JID("juliet@example.com")
        #expect(full.bare == bare)
        #expect(full.hasSameBare(as: bare))
        #expect(try bare.with(resource: "balcony") == full)
        #expect(try full.with(resource: "chamber").bare == bare)
        #expect(try JID(local: "juliet", domain: "example.com", resource: "balcony") == full)
        #expect(full.hasSameDomain(as: try JID("example.com")))
        #expect(!full.hasSameDomain(as: try JID("example.org")))
    }
}
