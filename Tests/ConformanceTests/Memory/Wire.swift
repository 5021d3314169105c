import NIOCore

/// One end of a connection in memory, in the place of a socket: what is written here is read at the other end.
///
/// As with sockets, nothing is read unasked, each direction ends by itself, and what is on its way arrives before the
/// end. Both ends belong to one event loop.
final class Wire: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private var peer: Wire?
    private var context: ChannelHandlerContext?
    private var unflushed: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []
    private var arrived: [ByteBuffer] = []
    private var isReadWanted = false
    private var hasEnded = false
    private var peerHasEnded = false
    private var endWasTold = false

    /// The two ends.
    static func pair() -> (Wire, Wire) {
        let ends = (Wire(), Wire())
        ends.0.peer = ends.1
        ends.1.peer = ends.0
        return ends
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
        peer = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.channel.read()
    }

    // MARK: Writing

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        unflushed.append((unwrapOutboundIn(data), promise))
    }

    func flush(context: ChannelHandlerContext) {
        let written = unflushed
        unflushed = []
        for (bytes, promise) in written {
            guard !hasEnded else {
                promise?.fail(ChannelError.outputClosed)
                continue
            }
            if bytes.readableBytes > 0 { peer?.arrived.append(bytes) }
            promise?.succeed()
        }
        peer?.wake()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        end()
        guard mode == .output, !endWasTold else { return context.close(mode: .all, promise: promise) }
        promise?.succeed()
    }

    /// Nothing more comes from here.
    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        for (_, promise) in unflushed { promise?.fail(ChannelError.ioOnClosedChannel) }
        unflushed = []
        peer?.peerHasEnded = true
        peer?.wake()
    }

    // MARK: Reading

    func read(context: ChannelHandlerContext) {
        isReadWanted = true
        wake()
    }

    /// Reads when the loop comes to it, not within what is happening now.
    private func wake() {
        guard isReadWanted, !arrived.isEmpty || peerHasEnded, let context else { return }
        context.eventLoop.assumeIsolated().execute { self.readNow() }
    }

    private func readNow() {
        guard isReadWanted, let context, context.channel.isActive else { return }
        if !arrived.isEmpty {
            isReadWanted = false
            context.fireChannelRead(wrapInboundOut(arrived.removeFirst()))
            context.fireChannelReadComplete()
            context.channel.read()
        } else if peerHasEnded, !endWasTold {
            endWasTold = true
            let staysHalfOpen = try? context.channel.syncOptions?.getOption(.allowRemoteHalfClosure)
            if staysHalfOpen == true, !hasEnded {
                context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            } else {
                context.channel.close(promise: nil)
            }
        }
    }
}
