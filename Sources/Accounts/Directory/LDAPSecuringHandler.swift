import NIOCore
import TLS

/// The first moments of a connection to a directory: StartTLS (RFC 4511, section 4.14) and the TLS handshake.
///
/// StartTLS is done here, before libldap sees the connection, so that nothing sent in clear can reach it: an attacker
/// could append answers to the one to StartTLS and have them believed later. Belongs to the channel's event loop and
/// stays until the connection is handed over; bytes that nobody asked for end the connection.
final class LDAPSecuringHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// StartTLS was sent; what has come of the answer.
        case asked(ByteBuffer)
        case handshaking
        case secured
        case failed
    }

    private let address: DirectoryServerAddress
    private let context: TLSContext?
    private let promise: EventLoopPromise<Void>
    private var state = State.handshaking

    init(address: DirectoryServerAddress, context: TLSContext?, secured promise: EventLoopPromise<Void>) {
        self.address = address
        self.context = context
        self.promise = promise
    }

    func handlerAdded(context: ChannelHandlerContext) {
        switch address.security {
        case .none:
            succeed()
        case .ldaps:
            beginHandshake(context)
        case .startTLS:
            state = .asked(ByteBuffer())
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: StartTLS.request)), promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .asked(var answer):
            var arrived = unwrapInboundIn(data)
            answer.writeBuffer(&arrived)
            state = .asked(answer)
            do throws(DirectoryFailure) {
                guard try StartTLS.isAccepted(by: answer) else { return }
                beginHandshake(context)
            } catch {
                fail(error, context)
            }
        case .handshaking, .secured:
            fail(DirectoryFailure(.tls, "the server sent something that was not asked for"), context)
        case .failed:
            break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSEvent { succeed() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let reason =
            switch state {
            case .asked: "the server closed the connection instead of starting TLS"
            case .handshaking: "the server closed the connection during the TLS handshake"
            case .secured, .failed: "the server closed the connection"
            }
        fail(DirectoryFailure(.tls, reason), context)
        context.fireChannelInactive()
    }

    private func beginHandshake(_ context: ChannelHandlerContext) {
        state = .handshaking
        do {
            guard let tls = self.context else { throw DirectoryFailure(.configuration, "there is no TLS context") }
            let handler = TLSHandler(client: tls, serverName: address.host)
            try context.pipeline.syncOperations.addHandler(handler, position: .before(self))
        } catch {
            fail(error, context)
        }
    }

    private func succeed() {
        state = .secured
        promise.succeed()
    }

    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        state = .failed
        promise.fail(error)
        context.close(promise: nil)
    }
}
