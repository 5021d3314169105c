/// Certificates by name, and their exchange while connections are open.

import NIOCore
import NIOEmbedded
import Testing

@testable import TLS

struct IdentitiesTests {
    private let fallback: TLSContext
    private let one: TLSContext
    private let two: TLSContext
    private let identities: TLSIdentities

    init() throws {
        fallback = try Fixture.server(["fallback.test"])
        one = try Fixture.server(["one.test", "rooms.one.test"])
        two = try Fixture.server(["two.test"])
        identities = TLSIdentities(fallback: fallback, contexts: ["One.test": one, "two.test": two])
    }

    private func joined(
        _ name: String, fallbackName: String? = nil, policy: ServerCertificatePolicy = .ignored,
        session: TLSSession? = nil, maximumVersion: TLSVersion = .tls13
    ) throws -> Joined {
        try Joined(
            server: TLSHandler(server: identities, fallbackName: fallbackName),
            client: TLSHandler(
                client: Fixture.client(maximumVersion: maximumVersion), serverName: name, serverCertificate: policy,
                session: session))
    }

    private func shown(_ name: String, fallbackName: String? = nil) throws -> [String]? {
        let joined = try joined(name, fallbackName: fallbackName)
        try joined.run()
        return joined.client.tls.peerCertificate?.dnsNames
    }

    @Test func theNameSelects() throws {
        #expect(try shown("one.test") == ["one.test", "rooms.one.test"])
        #expect(try shown("TWO.test") == ["two.test"])
        #expect(try shown("rooms.one.test") == ["one.test", "rooms.one.test"])
        #expect(try shown("unknown.test") == ["fallback.test"])
        #expect(try shown("127.0.0.1") == ["fallback.test"])
        #expect(try shown("127.0.0.1", fallbackName: "two.test") == ["two.test"])
        #expect(try shown("one.test", fallbackName: "two.test") == ["one.test", "rooms.one.test"])
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func theEndPointIsThatOfTheSelectedCertificate(version: TLSVersion) throws {
        let joined = try joined("two.test", maximumVersion: version)
        try joined.run()
        #expect(joined.server.tls.serverEndPoint != nil)
        #expect(joined.server.tls.serverEndPoint == two.certifiedKey?.certificate.serverEndPoint)
        #expect(joined.client.tls.serverEndPoint == joined.server.tls.serverEndPoint)
        #expect(joined.server.tls.serverName == "two.test")
    }

    @Test func connectionsAreCountedWhereTheyEnd() throws {
        let joined = try joined("two.test")
        try joined.run()
        #expect(two.connections == 1)
        #expect(fallback.connections == 0)
        joined.client.channel.close(promise: nil)
        try joined.run()
        #expect(two.connections == 0)
    }

    @Test func replacementLeavesConnectionsAlone() throws {
        let before = try joined("one.test")
        try before.run()
        let halfway = try joined("one.test")
        halfway.server.receive(try halfway.client.takeOutbound())

        let renewed = try Fixture.server(["one.test"])
        identities.replace(fallback: fallback, contexts: ["one.test": renewed])
        #expect(try shown("one.test") == ["one.test"])
        #expect(try shown("two.test") == ["fallback.test"])

        before.client.send("still here")
        try before.run()
        try halfway.run()
        #expect(before.server.recorder.text == "still here")
        #expect(halfway.client.tls.peerCertificate?.dnsNames == ["one.test", "rooms.one.test"])
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func ticketsAreResumed(version: TLSVersion) throws {
        let first = try joined("one.test", maximumVersion: version)
        try first.run()
        #expect(!first.client.tls.isResumed)
        // With TLS 1.3 the ticket comes with the first that the server says.
        first.server.send("welcome")
        try first.run()
        let session = try #require(first.client.tls.session)
        first.client.channel.pipeline.fireChannelInactive()

        let second = try joined("one.test", session: session, maximumVersion: version)
        try second.run()
        #expect(second.client.recorder.handshake?.isResumed == true)
        #expect(second.server.recorder.handshake?.isResumed == true)
        #expect(second.server.tls.isResumed)
        #expect(second.client.tls.exporterChannelBinding == second.server.tls.exporterChannelBinding)
        second.client.send("resumed")
        try second.run()
        #expect(second.server.recorder.text == "resumed")

        // A session of a connection whose peer was not verified is no way around the verification.
        let strict = try joined("one.test", policy: .required, session: session, maximumVersion: version)
        try strict.run()
        #expect(strict.client.recorder.errors.map(\.kind) == [.selfSigned])

        // A session is good for one name.
        let other = try joined("two.test", session: session, maximumVersion: version)
        try other.run()
        #expect(!other.client.tls.isResumed)

        identities.replace(fallback: try Fixture.server(["fallback.test"]), contexts: ["one.test": one])
        let third = try joined("one.test", session: session, maximumVersion: version)
        try third.run()
        #expect(third.client.tls.handshake == .completed)
        #expect(!third.client.tls.isResumed)
    }
}
