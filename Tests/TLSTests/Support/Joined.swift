/// Two channels in memory, each with a `TLSHandler`, whose records the test carries over.

import NIOCore
import NIOEmbedded
import TLS

final class Joined {
    final class End {
        let channel: EmbeddedChannel
        let tls: TLSHandler
        let recorder = Recorder()

        init(_ loop: EmbeddedEventLoop, _ tls: TLSHandler, inPipeline: Bool = true) throws {
            self.tls = tls
            channel = EmbeddedChannel(loop: loop)
            if inPipeline { try channel.pipeline.syncOperations.addHandler(tls) }
            try channel.pipeline.syncOperations.addHandler(recorder)
        }

        func connect() throws {
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func send(_ text: String, flush: Bool = true) {
            let bytes = ByteBuffer(string: text)
            if flush { channel.writeAndFlush(bytes, promise: nil) } else { channel.write(bytes, promise: nil) }
        }

        /// Everything that the channel has written to its socket.
        func takeOutbound() throws -> ByteBuffer {
            var all = ByteBuffer()
            while var bytes = try channel.readOutbound(as: ByteBuffer.self) { all.writeBuffer(&bytes) }
            return all
        }

        func receive(_ bytes: ByteBuffer) {
            channel.pipeline.fireChannelRead(bytes)
            channel.pipeline.fireChannelReadComplete()
        }
    }

    let loop = EmbeddedEventLoop()
    let server: End
    let client: End
    /// Carry records in pieces of this size.
    var pieceSize = Int.max

    init(server: TLSHandler, client: TLSHandler) throws {
        self.server = try End(loop, server)
        self.client = try End(loop, client)
        try self.server.connect()
        try self.client.connect()
    }

    /// With the certificate and trust of `Fixture`.
    convenience init(
        protocols: (server: ApplicationProtocols, client: ApplicationProtocols) = ([], []),
        maximumVersion: TLSVersion = .tls13, session: TLSSession? = nil
    ) throws {
        try self.init(
            server: TLSHandler(server: Fixture.identities, protocols: protocols.server),
            client: TLSHandler(
                client: Fixture.client(maximumVersion: maximumVersion), serverName: "example.test",
                protocols: protocols.client, session: session))
    }

    /// Carries records in both directions, and the end of a connection, until nothing moves any more.
    func run() throws {
        var isMoving = true
        while isMoving {
            loop.run()
            let carried = [try carry(from: client, to: server), try carry(from: server, to: client)]
            isMoving = carried.contains(true)
        }
    }

    private func carry(from source: End, to target: End) throws -> Bool {
        var bytes = try source.takeOutbound()
        let isMoving = bytes.readableBytes > 0
        while bytes.readableBytes > 0, let piece = bytes.readSlice(length: min(bytes.readableBytes, pieceSize)) {
            if target.channel.isActive { target.receive(piece) }
        }
        if !source.channel.isActive, target.channel.isActive, !target.recorder.isInactive, !isMoving {
            target.channel.pipeline.fireChannelInactive()
        }
        return isMoving
    }
}
