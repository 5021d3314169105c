internal import NIOCore
internal import NIOPosix
internal import TLS

/// Connects to a server through the network.
package struct LiveTransport: Transport {
    private let host: String
    private let ports: [Destination.Listener: Int]

    /// - Parameters:
    ///   - host: an address or a name that resolves.
    ///   - ports: where the server listens; a transcript that needs another listener fails.
    package init(host: String, ports: [Destination.Listener: Int]) {
        self.host = host
        self.ports = ports
    }

    package func connect(to destination: Destination) async throws -> any Connection {
        guard let port = destination.port ?? ports[destination.listener] else {
            throw StepFailure("  no port is known for \(destination.listener)")
        }
        let received = Mailbox()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(MailboxHandler(received))
                }
            }
            .connect(host: destination.host ?? host, port: port).get()
        return LiveConnection(channel: channel, received: received)
    }
}

/// A connection through the network.
private struct LiveConnection: Connection {
    let channel: any Channel
    let received: Mailbox

    var canStartTLS: Bool { true }

    func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes) }

    func startTLS(serverName: String) async throws {
        let context = try TLSContext.client(trust: nil)
        let done = try await channel.eventLoop.submit { () -> EventLoopFuture<Void> in
            let pipeline = channel.pipeline.syncOperations
            let handshake = try pipeline.handler(type: MailboxHandler.self).awaitHandshake(on: channel.eventLoop)
            try pipeline.addHandler(
                TLSHandler(
                    client: context, serverName: serverName, protocols: ["xmpp-client"], serverCertificate: .ignored),
                position: .first)
            return handshake
        }.get()
        try await done.get()
    }

    func channelBinding(_ type: String) async throws -> [UInt8]? {
        try await channel.eventLoop.submit {
            guard let tls = try? channel.pipeline.syncOperations.handler(type: TLSHandler.self) else { return nil }
            switch type {
            case "tls-exporter": return tls.exporterChannelBinding
            case "tls-server-end-point": return tls.serverEndPoint
            default: return nil
            }
        }.get()
    }

    func close() async { try? await channel.close() }
}

/// Puts what a channel receives into a mailbox. Belongs to the channel's event loop.
private final class MailboxHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    /// How long a handshake may take before it has failed.
    private static let patience = TimeAmount.seconds(10)

    private let mailbox: Mailbox
    private var handshake: EventLoopPromise<Void>?

    init(_ mailbox: Mailbox) {
        self.mailbox = mailbox
    }

    /// Succeeds when the TLS handler that is about to be added has made its handshake.
    func awaitHandshake(on loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        handshake = promise
        let guardian = loop.scheduleTask(in: Self.patience) { promise.fail(ChannelError.connectTimeout(Self.patience)) }
        promise.futureResult.whenComplete { _ in guardian.cancel() }
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { mailbox.put(unwrapInboundIn(data)) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSEvent { handshake.take()?.succeed() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        handshake.take()?.fail(ChannelError.eof)
        mailbox.end()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        handshake.take()?.fail(error)
        context.close(promise: nil)
    }
}
