/// The small applications behind TLS in the tests with real sockets.

import NIOCore
import Synchronization
import TLS

final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.write(data, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
    }
}

/// Succeeds with what arrived after `count` bytes or the proper end of the peer's direction.
final class Collect: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var received = ByteBuffer()
    private let count: Int
    private let done: EventLoopPromise<ByteBuffer>

    init(until count: Int, _ done: EventLoopPromise<ByteBuffer>) {
        self.count = count
        self.done = done
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        if received.readableBytes >= count { done.succeed(received) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? TLSEvent == .closeNotifyReceived { done.succeed(received) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        done.fail(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        done.fail(ChannelError.eof)
    }
}

/// Writes much and closes at once.
final class Burst: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let bytes: Int

    init(bytes: Int) {
        self.bytes = bytes
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSEvent.handshakeCompleted? = event as? TLSEvent else { return }
        context.write(NIOAny(ByteBuffer(repeating: 7, count: bytes)), promise: nil)
        context.close(promise: nil)
    }
}

/// Answers when the peer has ended its direction.
final class AnswerAtEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var received = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else { return }
        received.writeString(" was read to its end")
        context.write(NIOAny(received), promise: nil)
        context.close(promise: nil)
    }
}

/// Which handshakes of a server were resumed, in their order.
final class Resumptions: Sendable {
    private let list = Mutex<[Bool]>([])

    var all: [Bool] { list.withLock { $0 } }

    func append(_ isResumed: Bool) {
        list.withLock { $0.append(isResumed) }
    }
}

/// Answers one line in capitals and closes.
final class UppercaseLine: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var line = ByteBuffer()
    private let resumptions: Resumptions

    init(_ resumptions: Resumptions) {
        self.resumptions = resumptions
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSEvent.handshakeCompleted(let outcome)? = event as? TLSEvent { resumptions.append(outcome.isResumed) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        line.writeBuffer(&bytes)
        guard line.readableBytesView.last == UInt8(ascii: "\n") else { return }
        context.write(NIOAny(ByteBuffer(string: String(buffer: line).uppercased())), promise: nil)
        context.close(promise: nil)
    }
}
