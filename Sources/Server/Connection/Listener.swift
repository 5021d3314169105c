internal import Glibc
internal import Logging
package import NIOCore
internal import NIOPosix
internal import TLS
internal import XMPP

/// A port that accepts connections of clients or components, and what is to be negotiated on them.
///
/// Shared by all event loops; immutable but for the sockets it listens on.
package final class Listener: Sendable {
    package let section: ListenerSection
    /// Whose stanzas its streams carry.
    let content: ContentNamespace
    let features: [any StreamFeature]
    let rules: StreamRules
    private let kernel: Kernel

    init(_ section: ListenerSection, kernel: Kernel) {
        self.section = section
        self.kernel = kernel
        content = section.kind == .component ? .component : .client
        // TLS from the first byte, or none at all, leaves nothing to start.
        let offersStartTLS = section.tls == .required || section.tls == .optional
        features =
            content == .component
            ? [ComponentHandshake()] : kernel.registry.streamFeatures.filter { offersStartTLS || !($0 is StartTLS) }
        rules = StreamRules(features.map(\.rule))
    }

    /// What a new connection has reached before anything was negotiated.
    var initialFacts: StreamFacts {
        switch section.tls {
        case .required, .direct: []
        case .optional, .none: .secure
        }
    }

    /// Begins to accept connections: every event loop those that it will serve, on a socket of its own, so that none
    /// has to be handed over when it is new. The system spreads connections over the sockets.
    /// - Returns: the listening channels, all of one port.
    /// - Throws: an error whose description tells the administrator what to do.
    func open(on group: any EventLoopGroup) async throws -> [any Channel] {
        var channels: [any Channel] = []
        do {
            for loop in group.makeIterator() {
                // The first finds out whether somebody else has the port, which a socket that may share it does not.
                guard let first = channels.first else {
                    let first = try await bootstrap(on: loop).bind(host: section.address.description, port: section.port).get()
                    channels.append(first)
                    try await first.setOption(.socketOption(.mayShare), value: 1).get()
                    continue
                }
                channels.append(
                    try await bootstrap(on: loop).serverChannelOption(.socketOption(.mayShare), value: 1)
                        .bind(host: section.address.description, port: first.localAddress?.port ?? section.port).get())
            }
            return channels
        } catch {
            for channel in channels { try? await channel.close() }
            throw ListenerError(
                description: "cannot listen on \(section.address) port \(section.port): \(error); "
                    + "stop what uses the port, or change \"port\" or \"address\" under \"listen:\"")
        }
    }

    private func bootstrap(on loop: any EventLoop) -> ServerBootstrap {
        ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture { try accept(channel) }
            }
    }

    /// Makes the pipeline of a new connection; to be called on the channel's event loop, one of the server's.
    /// - Throws: if the connection is not let in; the caller closes it then.
    package func accept(_ channel: any Channel) throws {
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        // A connection keeps a buffer of the size it expects to need next; most connections are idle.
        try channel.syncOptions?.setOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 65_536))
        guard let loop = kernel.context(of: channel.eventLoop) else { throw ChannelError.ioOnClosedChannel }
        let address = channel.remoteAddress.flatMap(IPAddress.init)
        guard let admission = kernel.addresses.admit(address, now: loop.eventLoop.now) else {
            kernel.logger.info(
                "An address has too many connections; one more is closed.",
                metadata: [LogKeys.address: "\(address.map(\.description) ?? "unknown")"])
            guard section.tls != .direct else { throw ChannelError.ioOnClosedChannel }
            return try channel.pipeline.syncOperations.addHandler(Refusal(domain: kernel.mainDomain, content: content))
        }
        channel.closeFuture.whenComplete { _ in admission.end() }
        let stream = StreamHandler(loop: loop, listener: self, address: address)
        if section.tls == .direct {
            try channel.pipeline.syncOperations.addHandler(
                TLSHandler(server: kernel.identities, protocols: content == .client ? ["xmpp-client"] : [], gate: loop.handshakes))
        }
        try channel.pipeline.syncOperations.addHandler(stream)
    }

    /// The channel of a stream has told of something: what matters here is the end of a TLS handshake.
    func secured(_ stream: StreamHandler, _ event: Any) {
        if case .handshakeCompleted = event as? TLSEvent { stream.negotiated([.encrypted, .secure]) }
    }
}

/// Tells a peer that it has too many connections (RFC 6120 §4.9.3.17), without waiting for what it says.
private final class Refusal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let domain: JID?
    private let content: ContentNamespace

    init(domain: JID?, content: ContentNamespace) {
        self.domain = domain
        self.content = content
    }

    func channelActive(context: ChannelHandlerContext) {
        var buffer = context.channel.allocator.buffer(capacity: 512)
        StreamHeader.write(
            into: &buffer, from: domain?.description, to: nil, id: StreamHandler.randomID(), language: "en",
            content: content.namespace)
        var writer = XMLWriter(into: buffer)
        StreamError(.resourceConstraint, "too many connections from your address").write(into: &writer)
        writer.buffer.writeStaticString("</stream:stream>")
        context.writeAndFlush(wrapOutboundOut(writer.buffer), promise: nil)
        context.close(promise: nil)
    }
}

/// A port cannot be listened on; the description is a line for the administrator.
package struct ListenerError: Error, CustomStringConvertible {
    package let description: String
}

extension IPAddress {
    init?(_ address: SocketAddress) {
        guard let text = address.ipAddress else { return nil }
        self.init(text)
    }
}

extension NIOBSDSocket.Option {
    /// Whether a port may be shared by sockets of one user that all say so.
    fileprivate static let mayShare = NIOBSDSocket.Option(rawValue: SO_REUSEPORT)
}
