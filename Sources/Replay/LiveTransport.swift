internal import NIOCore
internal import NIOPosix

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
        return ChannelConnection(channel, received)
    }
}
