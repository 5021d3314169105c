import Logging
import NIOCore
import Testing
import XMPP

@testable import Server

/// A domain whose accounts are in a directory, beside one with accounts of the server's own.
@Suite(.timeLimit(.minutes(2)))
struct DirectoryDomainTests {
    /// Nothing listens on the directory's port.
    private func run(log: RecordedLog? = nil, _ body: (LiveServer) async throws -> Void) async throws {
        try await LiveServer.run(
            domains: ["localhost", "company.test"], log: log,
            { configuration in
                configuration.domains[1].accounts = [.directory("company")]
                configuration.directories = [
                    DirectorySection(
                        name: "company", servers: [DirectoryURL(host: "127.0.0.1", port: 1, isLDAPS: false)], tls: .none,
                        base: "dc=company,dc=test")
                ]
            }, body)
    }

    /// XEP-0077 §3.3 and §3.2 are of no use where the server cannot change anything.
    @Test func registrationIsAdvertisedWhereItWorks() async throws {
        try await run { live in
            let registry = try #require(live.server.kernel.registry)
            for (domain, isPossible) in [("localhost", true), ("company.test", false)] {
                for asked in [Asked.server, .account] {
                    let features = registry.discovery(of: asked, at: try JID(domain)).features
                    #expect(features.contains("jabber:iq:register") == isPossible, "\(domain)")
                    #expect(features.contains("urn:xmpp:ping"))
                }
            }
            // What clients remember of the one must not be believed of the other (XEP-0115 §5).
            let client = try await live.logIn(1)
            client.send(
                "<iq type='get' id='1' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
            #expect(try await client.read(until: "</iq>").contains("jabber:iq:register"))
            client.send(
                "<iq type='get' id='2' to='company.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
            let none = try await client.read(until: "</iq>")
            #expect(none.contains("urn:xmpp:ping") && !none.contains("jabber:iq:register"))
        }
    }

    @Test func whatIsLostForWantOfTheDirectoryIsLogged() async throws {
        let log = RecordedLog()
        try await run(log: log) { live in
            let (romeo, juliet) = (try JID("romeo@localhost"), try JID("juliet@company.test"))
            live.server.kernel.loops[0].execute { loop in
                var stanza = Stanza(.presence, type: .subscribe, from: romeo, to: juliet)
                stanza.content = ByteBuffer(string: "<status>a secret</status>")
                loop.kernel.send(stanza, on: loop)
            }
            while !log.all.contains(where: { $0.contains("lost") }) { await Task.yield() }
            let line = try #require(log.all.first { $0.contains("lost") })
            #expect(line.hasPrefix("An account cannot be read, and a presence of type subscribe for it is lost."))
            #expect(line.contains("juliet@company.test") && !line.contains("secret"))
        }
    }
}
