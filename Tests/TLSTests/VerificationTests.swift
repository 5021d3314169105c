/// What a client says about a server's certificate, and a server about a client's.

import Foundation
import NIOCore
import NIOEmbedded
import Testing

@testable import TLS

struct VerificationTests {
    /// One handshake of a client that requires or reports, against a server with `key`.
    private func joined(
        _ key: CertifiedKey, trust: TrustStore?, name: String = "example.test",
        policy: ServerCertificatePolicy = .required
    ) throws -> Joined {
        let joined = try Joined(
            server: TLSHandler(server: TLSIdentities(fallback: .server(key))),
            client: TLSHandler(client: .client(trust: trust), serverName: name, serverCertificate: policy))
        try joined.run()
        return joined
    }

    private func expectRefusal(
        _ kind: TLSError.Kind, alert: Int, saying words: String = "", _ key: CertifiedKey, trust: TrustStore?,
        name: String = "example.test",
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let refused = try joined(key, trust: trust, name: name)
        #expect(refused.client.recorder.errors.map(\.kind) == [kind], sourceLocation: sourceLocation)
        #expect(
            refused.server.recorder.errors.map(\.kind) == [.refusedByPeer(alert: alert)], sourceLocation: sourceLocation
        )
        #expect(!refused.client.channel.isActive && !refused.server.channel.isActive, sourceLocation: sourceLocation)
        let reported = try joined(key, trust: trust, name: name, policy: .reported)
        #expect(reported.client.tls.handshake == .completed, sourceLocation: sourceLocation)
        guard case .untrusted(let error) = reported.client.tls.peerVerification else {
            Issue.record("not reported", sourceLocation: sourceLocation)
            return
        }
        #expect(error.kind == kind, sourceLocation: sourceLocation)
        for text in [error.description, refused.client.recorder.errors.first?.description ?? ""] {
            #expect(!text.contains("\n") && (words.isEmpty || text.contains(words)), sourceLocation: sourceLocation)
        }
    }

    @Test func aSelfSignedServer() throws {
        try expectRefusal(.selfSigned, alert: 48, Fixture.certifiedKey.get(), trust: nil)
        try expectRefusal(.selfSigned, alert: 48, Fixture.certifiedKey.get(), trust: .system())
    }

    @Test func anExpiredServer() throws {
        let key = try CertifiedKey(SelfSignedCertificate(names: ["example.test"], from: 1_600_000_000, days: 10))
        try expectRefusal(
            .certificateExpired, alert: 45, saying: "CN=example.test on 2020-09-23", key,
            trust: .certificates(key.chain))
    }

    @Test func aServerFromTheFuture() throws {
        let key = try CertifiedKey(SelfSignedCertificate(names: ["example.test"], from: 4_000_000_000, days: 10))
        try expectRefusal(
            .certificateNotYetValid, alert: 42, saying: "from 2096-10-02", key, trust: .certificates(key.chain))
    }

    @Test func anotherName() throws {
        let key = try Fixture.certifiedKey.get()
        try expectRefusal(
            .nameMismatch, alert: 42, saying: "is for example.test, localhost, not for other.test", key,
            trust: .certificates(key.chain), name: "other.test")
        try expectRefusal(.nameMismatch, alert: 42, key, trust: .certificates(key.chain), name: "127.0.0.2")
    }

    @Test func addressesAndFinalDots() throws {
        let key = try Fixture.certifiedKey.get()
        for name in ["127.0.0.1", "example.test.", "EXAMPLE.test", "localhost"] {
            let joined = try joined(key, trust: .certificates(key.chain), name: name)
            #expect(joined.client.tls.peerVerification == .trusted)
        }
    }

    @Test func anEmptyNameNeverPasses() throws {
        let key = try Fixture.certifiedKey.get()
        let joined = try joined(key, trust: .certificates(key.chain), name: "")
        #expect(joined.client.recorder.errors.map(\.kind) == [.nameInvalid])
        #expect(!joined.client.channel.isActive)
    }

    @Test func chainsOfAnAuthority() throws {
        let folder = try TemporaryFolder()
        let authority = try Authority(in: folder)
        let complete = try authority.issue("example.test", withIntermediate: true)
        let incomplete = try authority.issue("example.test", withIntermediate: false)
        let trust = try TrustStore.file(authority.rootFile)
        let good = try joined(complete, trust: trust)
        #expect(good.client.tls.peerVerification == .trusted)
        #expect(good.client.tls.peerCertificate?.issuer == "CN=Intermediate")
        try expectRefusal(.unknownIssuer, alert: 48, saying: "(CN=Intermediate)", incomplete, trust: trust)
        try expectRefusal(.unknownIssuer, alert: 48, complete, trust: nil)
    }

    /// RFC 9525: the subject's common name does not count.
    @Test func aNameOnlyInTheSubject() throws {
        let folder = try TemporaryFolder()
        let key = try Authority(in: folder).issue("example.test", withIntermediate: true, alternatives: "IP:127.0.0.9")
        #expect(!key.certificate.covers("example.test"))
        try expectRefusal(.nameMismatch, alert: 42, key, trust: .file(folder.path("root.pem")))
    }

    @Test func namesOfXMPP() throws {
        let folder = try TemporaryFolder()
        let authority = try Authority(in: folder)
        let key = try authority.issue(
            "unused.test", withIntermediate: true,
            alternatives: "DNS:*.wild.test,otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.srv.test,"
                + "otherName:1.3.6.1.5.5.7.8.5;UTF8:addr.test")
        let certificate = key.certificate
        #expect(certificate.covers("srv.test"))
        #expect(certificate.covers("SRV.test"))
        #expect(certificate.covers("addr.test"))
        #expect(certificate.covers("a.wild.test"))
        #expect(!certificate.covers("a.b.wild.test"))
        #expect(!certificate.covers("wild.test"))
        #expect(!certificate.covers("other.test"))
        #expect(!certificate.covers("unused.test"))
        #expect(certificate.dnsNames == ["*.wild.test"])
        let reported = try joined(key, trust: .file(authority.rootFile), name: "srv.test", policy: .reported)
        #expect(reported.client.tls.peerVerification == .trusted)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func clientCertificates(version: TLSVersion) throws {
        let folder = try TemporaryFolder()
        let authority = try Authority(in: folder)
        // Only for the purpose of a server, as public authorities issue them.
        let key = try authority.issue("peer.test", withIntermediate: true)
        let serverKey = try Fixture.certifiedKey.get()
        let trusting = try TLSIdentities(fallback: .server(serverKey, clientTrust: .file(authority.rootFile)))
        let strict = try TLSIdentities(fallback: .server(serverKey))
        func shown(_ identities: TLSIdentities, _ clientKey: CertifiedKey?, session: TLSSession? = nil) throws -> Joined
        {
            let client = try TLSContext(
                .client, clientKey, minimumVersion: .tls12, maximumVersion: version,
                trust: .certificates(serverKey.chain))
            let joined = try Joined(
                server: TLSHandler(server: identities, clientCertificates: .requested),
                client: TLSHandler(client: client, serverName: "example.test", session: session))
            try joined.run()
            #expect(joined.server.tls.handshake == .completed)
            #expect(joined.client.tls.handshake == .completed)
            // With TLS 1.3 the ticket comes with the first that the server says.
            joined.server.send("welcome")
            try joined.run()
            return joined
        }
        let good = try shown(trusting, key)
        #expect(good.server.tls.peerVerification == .trusted)
        #expect(good.server.tls.peerCertificate?.covers("peer.test") == true)
        #expect(try shown(trusting, nil).server.tls.peerVerification == .absent)
        guard case .untrusted(let error) = try shown(strict, key).server.tls.peerVerification else {
            Issue.record("trusted without an authority")
            return
        }
        #expect(error.kind == .unknownIssuer)
        let doubtful = try shown(strict, key)
        let doubtfulSession = try #require(doubtful.client.tls.session)
        let stillDoubtful = try shown(strict, key, session: doubtfulSession)
        #expect(stillDoubtful.server.tls.isResumed)
        #expect(stillDoubtful.server.tls.peerVerification != .trusted)
        // A resumed session still knows who the peer is.
        let session = try #require(good.client.tls.session)
        let resumed = try shown(trusting, key, session: session)
        #expect(resumed.server.tls.isResumed)
        #expect(resumed.server.tls.peerVerification == .trusted)
        #expect(resumed.server.tls.peerCertificate?.covers("peer.test") == true)
    }

    @Test func theSystemsAuthoritiesLoad() throws {
        _ = try TrustStore.system()
    }
}
