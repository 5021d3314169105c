import Accounts
import NIOCore
import Server
import Testing
import XMPP

@testable import Features

/// Domains with archives and without, in one server.
@Suite(.timeLimit(.minutes(1)))
struct ArchiveDomainTests {
    @Test func aDomainWithoutArchives() async throws {
        let features: [any Feature.Type] = [StanzaIdentifiers.self, Archive.self]
        try await TestServer.run(
            further: features,
            { configuration in
                var other = DomainSection(name: "other.test")
                other.hasArchive = true
                configuration.domains[0].hasArchive = false
                configuration.domains.append(other)
            },
            body: { server in
                let client = try await server.connect(1, "desk")
                client.send("<message to='user2@localhost' type='headline' id='m1'><body>Hi</body></message>")
                client.send("<iq type='set' id='q1'><query xmlns='urn:xmpp:mam:2'/></iq>")
                let refusal = Received(element: try await client.next())
                #expect(refusal.id == "q1")
                #expect(refusal.condition == "service-unavailable")
                let registry = try #require(server.kernel.registry)
                let here = registry.discovery(of: .account, at: try JID("localhost"))
                let there = registry.discovery(of: .account, at: try JID("other.test"))
                #expect(!here.features.contains("urn:xmpp:mam:2"))
                #expect(there.features.contains("urn:xmpp:mam:2"))
            })
    }

    @Test func timesOfKeeping() {
        var configuration = Configuration(domains: [DomainSection(name: "a.test"), DomainSection(name: "b.test")], listeners: [], data: "")
        #expect(ArchiveRules(configuration).longest(of: 2) == nil)
        configuration[Archive.keep] = .seconds(86_400)
        #expect(ArchiveRules(configuration).longest(of: 2) == 86_400_000)
        configuration.domains[1].archiveKeep = .time(.seconds(2 * 86_400))
        #expect(ArchiveRules(configuration).longest(of: 2) == 172_800_000)
        configuration.domains[0].archiveKeep = .forever
        #expect(ArchiveRules(configuration).longest(of: 2) == nil)
        #expect(ArchiveRules(configuration).limited.count == 1)
        // What it had before it had none is not to be deleted with the others'.
        configuration.domains[0].hasArchive = false
        #expect(ArchiveRules(configuration).longest(of: 2) == nil)
    }
}
