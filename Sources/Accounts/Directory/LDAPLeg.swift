import NIOCore

/// One of two channels on the same event loop that pass everything on to each other, with back-pressure.
final class LDAPLeg: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Cleared when the channel is closed, which ends the cycle of references.
    private var other: LDAPLeg?
    private var context: ChannelHandlerContext?
    private var owesRead = false

    static func pair() -> (LDAPLeg, LDAPLeg) {
        let (one, two) = (LDAPLeg(), LDAPLeg())
        (one.other, two.other) = (two, one)
        return (one, two)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        let other = self.other
        self.other = nil
        other?.otherClosed()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        other?.context?.write(data, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        other?.context?.flush()
    }

    func channelInactive(context: ChannelHandlerContext) {
        other?.otherClosed()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { other?.otherBecameWritable() }
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if let other = other?.context, !other.channel.isWritable {
            owesRead = true
        } else {
            context.read()
        }
    }

    private func otherBecameWritable() {
        guard owesRead else { return }
        owesRead = false
        context?.read()
    }

    private func otherClosed() {
        context?.close(promise: nil)
    }
}
