/// The limit on handshakes that a loop computes at a stretch.

import NIOCore
import NIOEmbedded
import Testing

@testable import TLS

struct HandshakeGateTests {
    private let loop = EmbeddedEventLoop()
    private let gate: HandshakeGate
    private let identities: TLSIdentities

    init() throws {
        gate = HandshakeGate(eventLoop: loop, limit: 2)
        identities = try Fixture.identities
    }

    /// A server's end that waits for a hello, and the client that made it.
    private func pair() throws -> (server: Joined.End, client: Joined.End) {
        let server = try Joined.End(loop, TLSHandler(server: identities, gate: gate))
        let client = try Joined.End(loop, TLSHandler(client: Fixture.client(), serverName: "example.test"))
        try server.connect()
        try client.connect()
        return (server, client)
    }

    @Test func thoseBeyondTheLimitWaitInOrder() throws {
        let pairs = try (0..<7).map { _ in try pair() }
        for pair in pairs { pair.server.receive(try pair.client.takeOutbound()) }
        func answered() throws -> [Bool] { try pairs.map { try $0.server.takeOutbound().readableBytes > 0 } }
        #expect(gate.waiting == 5)
        #expect(try answered() == [true, true, false, false, false, false, false])
        // What is due at once does not count as a pause.
        loop.run()
        #expect(gate.waiting == 5)
        loop.advanceTime(by: HandshakeGate.pause)
        #expect(gate.waiting == 3)
        #expect(try answered() == [false, false, true, true, false, false, false])
        loop.advanceTime(by: HandshakeGate.pause)
        #expect(try answered() == [false, false, false, false, true, true, false])
        loop.advanceTime(by: HandshakeGate.pause)
        #expect(try answered() == [false, false, false, false, false, false, true])
        #expect(gate.waiting == 0)
    }

    @Test func thePlacesAreFreeAgainAfterAPause() throws {
        for _ in 0..<3 {
            let pairs = try (0..<2).map { _ in try pair() }
            for pair in pairs { pair.server.receive(try pair.client.takeOutbound()) }
            #expect(gate.waiting == 0)
            loop.advanceTime(by: HandshakeGate.pause)
            loop.advanceTime(by: HandshakeGate.pause)
        }
    }

    @Test func nothingIsReadWhileWaiting() throws {
        let pairs = try (0..<3).map { _ in try pair() }
        final class Reads: ChannelOutboundHandler {
            typealias OutboundIn = ByteBuffer
            var count = 0
            func read(context: ChannelHandlerContext) {
                count += 1
                context.read()
            }
        }
        let reads = Reads()
        try pairs[2].server.channel.pipeline.syncOperations.addHandler(reads, position: .first)
        for pair in pairs { pair.server.receive(try pair.client.takeOutbound()) }
        #expect(gate.waiting == 1)
        pairs[2].server.channel.read()
        #expect(reads.count == 0)
        loop.advanceTime(by: HandshakeGate.pause)
        #expect(reads.count == 1)
    }

    @Test func bytesThatComeWhileWaitingAreKept() throws {
        let pairs = try (0..<3).map { _ in try pair() }
        for pair in pairs[..<2] { pair.server.receive(try pair.client.takeOutbound()) }
        var hello = try pairs[2].client.takeOutbound()
        let half = hello.readableBytes / 2
        while let piece = hello.readSlice(length: min(half, hello.readableBytes)), piece.readableBytes > 0 {
            pairs[2].server.receive(piece)
        }
        #expect(gate.waiting == 1)
        loop.advanceTime(by: HandshakeGate.pause)
        #expect(try pairs[2].server.takeOutbound().readableBytes > 0)
    }

    @Test func whoClosesWhileWaitingTakesNoPlace() throws {
        let pairs = try (0..<6).map { _ in try pair() }
        for pair in pairs { pair.server.receive(try pair.client.takeOutbound()) }
        pairs[2].server.channel.pipeline.fireChannelInactive()
        pairs[3].server.channel.close(promise: nil)
        loop.advanceTime(by: HandshakeGate.pause)
        #expect(gate.waiting == 0)
        #expect(pairs[2].server.recorder.errors.map(\.kind) == [.interrupted])
        #expect(try pairs[5].server.takeOutbound().readableBytes > 0)
    }
}
