/// Ends of connections: proper ones, half ones, and those that are cut.

import NIOCore
import NIOEmbedded
import Testing

@testable import TLS

struct ClosingTests {
    @Test(arguments: [TLSVersion.tls12, .tls13])
    func closeNotifyBothWays(version: TLSVersion) throws {
        let joined = try Joined(maximumVersion: version)
        try joined.run()
        joined.client.send("last words", flush: false)
        joined.client.channel.close(promise: nil)
        #expect(!joined.client.channel.isActive)
        try joined.run()
        #expect(joined.server.recorder.text == "last words")
        #expect(joined.server.recorder.events.last == .closeNotifyReceived)
        #expect(!joined.server.channel.isActive)
        #expect(joined.server.recorder.errors.isEmpty && joined.client.recorder.errors.isEmpty)
        // The answer, although nobody reads it any more.
        #expect(try joined.server.takeOutbound().readableBytes == 0)
    }

    @Test func theAnswerToCloseNotify() throws {
        let joined = try Joined()
        try joined.run()
        joined.client.channel.close(promise: nil)
        joined.server.receive(try joined.client.takeOutbound())
        #expect(try joined.server.takeOutbound().readableBytes > 0)
        #expect(!joined.server.channel.isActive)
    }

    @Test func aCutConnectionIsReported() throws {
        let joined = try Joined()
        try joined.run()
        joined.server.channel.pipeline.fireChannelInactive()
        #expect(joined.server.recorder.errors.map(\.kind) == [.truncated])
        #expect(joined.server.tls.connection == nil)
    }

    @Test func aCutHandshakeIsReported() throws {
        let joined = try Joined()
        let waiting = joined.client.channel.write(ByteBuffer(string: "never"))
        joined.client.channel.pipeline.fireChannelInactive()
        #expect(joined.client.recorder.errors.map(\.kind) == [.interrupted])
        #expect(throws: TLSError.self) { try waiting.wait() }
    }

    @Test func closingDuringTheHandshake() throws {
        let joined = try Joined()
        let waiting = joined.client.channel.write(ByteBuffer(string: "never"))
        joined.client.channel.close(promise: nil)
        #expect(!joined.client.channel.isActive)
        #expect(throws: ChannelError.self) { try waiting.wait() }
        guard case .failed = joined.client.tls.handshake else {
            Issue.record("not failed")
            return
        }
        try joined.run()
        #expect(joined.server.recorder.errors.map(\.kind) == [.interrupted])
    }

    @Test func endOfInputWithoutCloseNotifyIsReported() throws {
        let joined = try Joined()
        try joined.run()
        joined.server.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(joined.server.recorder.errors.map(\.kind) == [.truncated])
        #expect(joined.server.recorder.inputClosed)
        joined.server.channel.pipeline.fireChannelInactive()
        #expect(joined.server.recorder.errors.count == 1)
    }

    @Test func whatFollowsCloseNotifyIsIgnored() throws {
        let joined = try Joined()
        try joined.server.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        try joined.run()
        joined.client.channel.close(promise: nil)
        var bytes = try joined.client.takeOutbound()
        bytes.writeString("garbage")
        joined.server.receive(bytes)
        joined.server.receive(ByteBuffer(string: "more garbage"))
        #expect(joined.server.recorder.errors.isEmpty)
        #expect(joined.server.recorder.received.readableBytes == 0)
    }

    @Test func closingTwice() throws {
        let joined = try Joined()
        try joined.run()
        try joined.client.channel.close().wait()
        #expect(throws: ChannelError.self) { try joined.client.channel.close().wait() }
    }

    /// Who accepts nothing is not waited for longer than the limit.
    @Test func aPeerThatTakesNothing() throws {
        let joined = try Joined()
        try joined.run()
        final class Stuck: ChannelOutboundHandler {
            typealias OutboundIn = ByteBuffer
            var promises: [EventLoopPromise<Void>?] = []
            func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
                promises.append(promise)
            }
        }
        let stuck = Stuck()
        try joined.client.channel.pipeline.syncOperations.addHandler(stuck, position: .first)
        joined.client.channel.close(promise: nil)
        #expect(joined.client.channel.isActive)
        joined.loop.advanceTime(by: .seconds(4))
        #expect(joined.client.channel.isActive)
        joined.loop.advanceTime(by: .seconds(1))
        #expect(!joined.client.channel.isActive)
        for promise in stuck.promises { promise?.fail(ChannelError.ioOnClosedChannel) }
    }

    @Test func writesAfterTheEndFail() throws {
        let joined = try Joined()
        try joined.run()
        joined.client.channel.close(promise: nil)
        #expect(throws: ChannelError.self) {
            try joined.client.channel.writeAndFlush(ByteBuffer(string: "late")).wait()
        }
    }

    /// No object of OpenSSL outlives its channel, however it ends.
    @Test func nothingLeaks() throws {
        let serverContext = try Fixture.server(["example.test"])
        let clientContext = try Fixture.client(trusting: serverContext.certifiedKey)
        for round in 0..<60 {
            let joined = try Joined(
                server: TLSHandler(server: TLSIdentities(fallback: serverContext)),
                client: TLSHandler(client: clientContext, serverName: "example.test"))
            if round % 6 != 5 { try joined.run() }
            switch round % 6 {
            case 0: joined.client.channel.close(promise: nil)
            case 1: joined.server.channel.close(promise: nil)
            case 2: joined.client.channel.pipeline.fireChannelInactive()
            case 3: joined.server.receive(ByteBuffer(string: "garbage that is no record"))
            case 4: joined.server.channel.pipeline.syncOperations.removeHandler(joined.server.tls, promise: nil)
            default: joined.client.channel.close(promise: nil)
            }
            try joined.run()
            joined.client.channel.pipeline.fireChannelInactive()
            joined.server.channel.pipeline.fireChannelInactive()
        }
        #expect(serverContext.connections == 0)
        #expect(clientContext.connections == 0)
    }
}
