package import NIOCore
internal import TLS

/// Puts what a channel receives into a mailbox. Belongs to the channel's event loop.
package final class MailboxHandler: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    /// How long a handshake may take before it has failed.
    private static let patience = TimeAmount.seconds(10)

    private let mailbox: Mailbox
    private var handshake: EventLoopPromise<Void>?

    package init(_ mailbox: Mailbox) {
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

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) { mailbox.put(unwrapInboundIn(data)) }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSEvent { handshake.take()?.succeed() }
        context.fireUserInboundEventTriggered(event)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        handshake.take()?.fail(ChannelError.eof)
        mailbox.end()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        handshake.take()?.fail(error)
        context.close(promise: nil)
    }
}
