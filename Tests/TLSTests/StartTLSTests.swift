/// TLS added to a connection that is in use (RFC 6120 section 5).

import NIOCore
import NIOEmbedded
import Testing

@testable import TLS

struct StartTLSTests {
    @Test func insertedIntoALivePipeline() throws {
        let loop = EmbeddedEventLoop()
        let server = try Joined.End(
            loop, TLSHandler(server: Fixture.identities, fallbackName: "example.test"), inPipeline: false)
        let client = try Joined.End(
            loop, TLSHandler(client: Fixture.client(), serverName: "example.test"), inPipeline: false)
        try server.connect()
        try client.connect()
        client.send("<starttls/>")
        server.receive(try client.takeOutbound())
        #expect(server.recorder.text == "<starttls/>")

        // As a stream handler does it: the answer in clear text, then TLS in front.
        server.send("<proceed/>")
        try server.channel.pipeline.syncOperations.addHandler(server.tls, position: .first)
        client.receive(try server.takeOutbound())
        #expect(client.recorder.text == "<proceed/>")
        try client.channel.pipeline.syncOperations.addHandler(client.tls, position: .first)
        for end in [server, client] { end.recorder.received.clear() }

        client.send("<stream>")
        for _ in 0..<6 {
            server.receive(try client.takeOutbound())
            client.receive(try server.takeOutbound())
        }
        #expect(client.tls.handshake == .completed)
        #expect(server.recorder.text == "<stream>")
        server.send("<features/>")
        client.receive(try server.takeOutbound())
        #expect(client.recorder.text == "<features/>")
    }

    @Test func bytesAlreadyReceivedAreGivenToThePipeline() throws {
        let loop = EmbeddedEventLoop()
        let server = try Joined.End(loop, TLSHandler(server: Fixture.identities), inPipeline: false)
        let client = try Joined.End(loop, TLSHandler(client: Fixture.client(), serverName: "example.test"))
        try server.connect()
        try client.connect()
        var hello = try client.takeOutbound()
        let start = hello.readSlice(length: 17)
        let early = try #require(start)
        // The first bytes came while something else looked at them.
        try server.channel.pipeline.syncOperations.addHandler(server.tls, position: .first)
        server.channel.pipeline.fireChannelRead(early)
        server.receive(hello)
        for _ in 0..<4 {
            client.receive(try server.takeOutbound())
            server.receive(try client.takeOutbound())
        }
        #expect(client.tls.handshake == .completed)
        #expect(server.tls.handshake == .completed)
    }
}
