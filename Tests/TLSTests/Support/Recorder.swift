/// The last handler of a test's pipeline: keeps everything that reaches it.

import NIOCore
import TLS

final class Recorder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    var received = ByteBuffer()
    var reads = 0
    var handshake: TLSHandshake?
    var events: [TLSEvent] = []
    var errors: [TLSError] = []
    var inputClosed = false
    var isInactive = false
    var onHandshake: (ChannelHandlerContext) -> Void = { _ in }
    var onRead: (ChannelHandlerContext, ByteBuffer) -> Void = { _, _ in }

    var text: String { String(buffer: received) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        reads += 1
        onRead(context, bytes)
        received.writeBuffer(&bytes)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSEvent {
            events.append(event)
            if case .handshakeCompleted(let outcome) = event {
                handshake = outcome
                onHandshake(context)
            }
        }
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { inputClosed = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError { errors.append(error) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isInactive = true
    }
}
