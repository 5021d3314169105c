package import NIOCore
internal import TLS

/// A connection by way of a channel whose last handler is a `MailboxHandler`.
package struct ChannelConnection: Connection {
    private let channel: any Channel
    package let received: Mailbox

    /// - Parameter received: what the channel's `MailboxHandler` fills.
    package init(_ channel: any Channel, _ received: Mailbox) {
        self.channel = channel
        self.received = received
    }

    package var canStartTLS: Bool { true }

    package func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes) }

    package func startTLS(serverName: String) async throws {
        let context = try TLSContext.client(trust: nil)
        let done = try await channel.eventLoop.submit { () -> EventLoopFuture<Void> in
            let pipeline = channel.pipeline.syncOperations
            let mailbox = try pipeline.handler(type: MailboxHandler.self)
            let handshake = mailbox.awaitHandshake(on: channel.eventLoop)
            try pipeline.addHandler(
                TLSHandler(
                    client: context, serverName: serverName, protocols: ["xmpp-client"], serverCertificate: .ignored),
                position: .before(mailbox))
            return handshake
        }.get()
        try await done.get()
    }

    package func channelBinding(_ type: String) async throws -> [UInt8]? {
        try await channel.eventLoop.submit {
            guard let tls = try? channel.pipeline.syncOperations.handler(type: TLSHandler.self) else { return nil }
            switch type {
            case "tls-exporter": return tls.exporterChannelBinding
            case "tls-server-end-point": return tls.serverEndPoint
            default: return nil
            }
        }.get()
    }

    package func close() async { try? await channel.close() }
}
