/// Handshakes of both roles in memory.

import NIOCore
import NIOEmbedded
import Testing

@testable import TLS

struct HandshakeTests {
    @Test(arguments: [TLSVersion.tls12, .tls13])
    func bothRolesComplete(version: TLSVersion) throws {
        let joined = try Joined(maximumVersion: version)
        try joined.run()
        for end in [joined.client, joined.server] {
            #expect(end.recorder.handshake?.version == version)
            #expect(end.recorder.handshake?.serverName == "example.test")
            #expect(end.recorder.handshake?.negotiatedProtocol == nil)
            #expect(end.recorder.handshake?.isResumed == false)
            #expect(end.tls.handshake == .completed)
            #expect(end.tls.protocolVersion == version)
            #expect(end.tls.cipherName != nil)
            #expect(end.recorder.errors.isEmpty)
        }
        #expect(joined.client.tls.peerVerification == .trusted)
        #expect(joined.server.tls.peerVerification == .absent)
        #expect(joined.client.tls.peerCertificate?.subject == "CN=example.test")
        #expect(try joined.client.tls.peerCertificate?.der == Fixture.certifiedKey.get().certificate.der)
        joined.client.send("ping")
        joined.server.send("pong")
        try joined.run()
        #expect(joined.server.recorder.text == "ping")
        #expect(joined.client.recorder.text == "pong")
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func oneByteAtATime(version: TLSVersion) throws {
        let joined = try Joined(maximumVersion: version)
        joined.pieceSize = 1
        try joined.run()
        joined.client.send("ping")
        joined.server.send("pong")
        try joined.run()
        #expect(joined.server.recorder.text == "ping")
        #expect(joined.client.recorder.text == "pong")
        joined.client.channel.close(promise: nil)
        try joined.run()
        #expect(joined.server.recorder.events.last == .closeNotifyReceived)
        #expect(!joined.server.channel.isActive)
    }

    @Test func stateIsVisible() throws {
        let joined = try Joined()
        #expect(joined.server.tls.handshake == .running)
        #expect(joined.client.tls.handshake == .running)
        #expect(joined.server.tls.protocolVersion == nil)
        #expect(joined.server.tls.serverEndPoint == nil)
        try joined.run()
        #expect(joined.server.tls.handshake == .completed)
    }

    @Test func whatIsWrittenBeforeWaitsForTheHandshake() throws {
        let joined = try Joined()
        joined.client.send("first ")
        joined.client.send("second", flush: false)
        joined.server.send("hello")
        try joined.run()
        #expect(joined.server.recorder.text == "first second")
        #expect(joined.client.recorder.text == "hello")
    }

    @Test func writesFromTheEventAreSentInOrder() throws {
        let joined = try Joined()
        joined.client.send("a")
        joined.client.recorder.onHandshake = { context in
            context.writeAndFlush(NIOAny(ByteBuffer(string: "b")), promise: nil)
        }
        try joined.run()
        #expect(joined.server.recorder.text == "ab")
    }

    @Test func closingInsideTheEventIsSafe() throws {
        let joined = try Joined()
        joined.server.recorder.onHandshake = { $0.close(promise: nil) }
        try joined.run()
        #expect(!joined.server.channel.isActive)
        #expect(!joined.client.channel.isActive)
        #expect(joined.client.recorder.events.last == .closeNotifyReceived)
    }

    @Test func removingTheHandlerInsideTheEventIsSafe() throws {
        let joined = try Joined()
        let tls = joined.server.tls
        joined.server.recorder.onHandshake = { context in
            context.pipeline.syncOperations.removeHandler(tls, promise: nil)
        }
        try joined.run()
        #expect(tls.protocolVersion == nil)
    }

    @Test func theServersPreferenceDecidesTheProtocol() throws {
        let joined = try Joined(protocols: (["xmpp-client", "http/1.1"], ["http/1.1", "xmpp-client"]))
        try joined.run()
        #expect(joined.server.recorder.handshake?.negotiatedProtocol == "xmpp-client")
        #expect(joined.client.recorder.handshake?.negotiatedProtocol == "xmpp-client")
        #expect(joined.client.tls.negotiatedProtocol == "xmpp-client")
    }

    /// XEP-0368 section 4.
    @Test func nothingInCommonIsRefused() throws {
        let joined = try Joined(protocols: (["xmpp-client"], ["xmpp-server"]))
        try joined.run()
        #expect(joined.server.recorder.errors.map(\.kind) == [.noApplicationProtocol])
        #expect(joined.client.recorder.errors.map(\.kind) == [.refusedByPeer(alert: 120)])
        #expect(!joined.server.channel.isActive)
        #expect(!joined.client.channel.isActive)
    }

    @Test func noOfferIsFine() throws {
        let joined = try Joined(protocols: (["xmpp-client"], []))
        try joined.run()
        #expect(joined.server.recorder.handshake != nil)
        #expect(joined.server.recorder.handshake?.negotiatedProtocol == nil)
    }

    @Test func anOfferToAServerWithoutProtocolsIsFine() throws {
        let joined = try Joined(protocols: ([], ["xmpp-client"]))
        try joined.run()
        #expect(joined.client.recorder.handshake != nil)
        #expect(joined.client.recorder.handshake?.negotiatedProtocol == nil)
    }

    @Test func aMinimumVersionIsKept() throws {
        let context = try TLSContext.server(Fixture.certifiedKey.get(), minimumVersion: .tls13)
        let joined = try Joined(
            server: TLSHandler(server: TLSIdentities(fallback: context)),
            client: TLSHandler(client: Fixture.client(maximumVersion: .tls12), serverName: "example.test"))
        try joined.run()
        #expect(joined.server.recorder.errors.map(\.kind) == [.noCommonVersion])
        #expect(joined.client.recorder.errors.map(\.kind) == [.refusedByPeer(alert: 70)])
    }

    @Test func aServerSpendsNothingOnWhoOnlyConnects() throws {
        let context = try Fixture.server()
        let loop = EmbeddedEventLoop()
        let end = try Joined.End(loop, TLSHandler(server: TLSIdentities(fallback: context)))
        try end.connect()
        #expect(context.connections == 0)
        end.channel.pipeline.fireChannelInactive()
        #expect(end.recorder.errors.map(\.kind) == [.interrupted])
    }

    @Test func protocolsAreReadSafely() {
        let protocols: ApplicationProtocols = ["b", "a", ""]
        func preferred(_ offer: [UInt8]) -> Range<Int>? {
            offer.withUnsafeBufferPointer { protocols.preferred(in: $0) }
        }
        #expect(protocols.names == ["b", "a"])
        #expect(protocols.wire == [1, 0x62, 1, 0x61])
        #expect(preferred([1, 0x61, 1, 0x62]) == 3..<4)
        #expect(preferred([1, 0x61]) == 1..<2)
        #expect(preferred([1, 0x63]) == nil)
        #expect(preferred([]) == nil)
        #expect(preferred([9, 0x61]) == nil)
    }
}
