import Testing
import XMPP

@testable import Features

/// XEP-0191 §6: which addresses an item of a block list means.
struct BlocklistTests {
    @Test(
        "an item matches addresses of its own kind and those below it",
        arguments: [
            ("romeo@example.org/orchard", ["romeo@example.org/orchard"]),
            ("romeo@example.org", ["romeo@example.org", "romeo@example.org/orchard", "romeo@example.org/home"]),
            ("example.org/service", ["example.org/service"]),
            (
                "example.org",
                [
                    "romeo@example.org", "romeo@example.org/orchard", "romeo@example.org/home", "example.org",
                    "example.org/service",
                ]
            ),
        ])
    func kinds(item: String, matched: [String]) throws {
        let list = Blocklist([try JID(item)])
        let all = [
            "romeo@example.org", "romeo@example.org/orchard", "romeo@example.org/home", "example.org",
            "example.org/service", "example.com", "romeo@example.com", "tybalt@rooms.example.com/romeo",
        ]
        #expect(try all.filter { list.matches(try JID($0)) } == all.filter(matched.contains))
    }

    @Test("an address of a domain's user is not blocked by a subdomain, nor the reverse")
    func subdomains() throws {
        let list = Blocklist([try JID("rooms.example.org")])
        #expect(!list.matches(try JID("example.org")))
        #expect(!list.matches(try JID("romeo@example.org")))
        #expect(list.matches(try JID("orchard@rooms.example.org/romeo")))
    }

    @Test("blocking and unblocking")
    func changes() throws {
        let domain = try JID("example.org")
        let user = try JID("romeo@example.org")
        var list = Blocklist()
        #expect(list.isEmpty && !list.matches(user))
        list.block([domain, user])
        list.unblock([domain])
        #expect(list == Blocklist([user]))
        #expect(list.matches(user) && !list.matches(domain))
        list.unblock([user])
        #expect(list.isEmpty)
    }
}
