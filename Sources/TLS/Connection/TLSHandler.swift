/// TLS for one channel, as server or client: records towards the socket, plaintext behind (RFC 8446, RFC 5246).

package import NIOCore

/// Belongs to the event loop of its channel. May be added before a connection is active or, for STARTTLS, at the front
/// of a live pipeline. Application data is read only after `TLSEvent.handshakeCompleted`, what is written earlier
/// waits. Bytes that somebody took from the socket before are given to the pipeline by `fireChannelRead`.
///
/// Plaintext is collected until `flush` and leaves in one write, so that small messages share records. On an error, a
/// `TLSError` fired through the pipeline, the handler tells the peer and closes the channel. `close` sends what was
/// written and close_notify first. There is no time limit on the handshake here: whoever adds the handler closes the
/// channel when `handshake` is `running` for too long.
package final class TLSHandler: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    package enum HandshakeState: Equatable, Sendable {
        case notStarted
        case running
        case completed
        case failed(TLSError)
    }

    private indirect enum Role {
        case server(TLSIdentities, ApplicationProtocols, ClientCertificatePolicy, fallbackName: String?)
        case client(TLSClientParameters)
    }

    private enum State {
        case idle
        case handshaking
        case established
        /// The last records are on their way; then the channel is closed.
        case closing
        case closed
    }

    /// Collected plaintext beyond this is encrypted before the flush, so that the channel's writability counts it.
    private static let corkLimit = 65_536
    /// What a peer that reads nothing may make this end say on its own (answers to key updates).
    private static let unreadAnswerLimit = 65_536
    /// How long a peer may take to accept the last records before the channel is closed without them.
    private static let closeTimeLimit = TimeAmount.seconds(5)

    private var state = State.idle
    private var failure: TLSError?
    private var role: Role?
    private let gate: HandshakeGate?
    private var context: ChannelHandlerContext?
    private(set) var connection: SSLConnection?

    private var corked = ByteBuffer()
    private var corkedPromises: [EventLoopPromise<Void>] = []
    private var flushRequested = false

    /// Records that wait at the gate; nothing more is read meanwhile.
    private var held: ByteBuffer?
    private var readRequested = false
    private var inputClosed = false
    private var outputClosed = false
    private var unreadAnswers = 0
    private var closeTimer: Scheduled<Void>?

    /// A server's end.
    /// - Parameters:
    ///   - protocols: what may be agreed on by ALPN. A client that offers only others is refused; one that offers none
    ///     is welcome.
    ///   - fallbackName: the domain whose certificate is shown to a client that names none, such as the `to` of its
    ///     stream header before STARTTLS.
    package init(
        server identities: TLSIdentities, protocols: ApplicationProtocols = [],
        clientCertificates: ClientCertificatePolicy = .ignored, fallbackName: String? = nil, gate: HandshakeGate? = nil
    ) {
        role = .server(identities, protocols, clientCertificates, fallbackName: fallbackName)
        self.gate = gate
    }

    /// A client's end.
    /// - Parameters:
    ///   - serverName: a domain (A-labels), asked for by SNI, or an address; the certificate must cover it.
    ///   - session: from an earlier connection to the same name, see `session`.
    package init(
        client context: TLSContext, serverName: String, protocols: ApplicationProtocols = [],
        serverCertificate: ServerCertificatePolicy = .required, session: TLSSession? = nil, gate: HandshakeGate? = nil
    ) {
        role = .client(
            TLSClientParameters(
                context: context, serverName: serverName, protocols: protocols, policy: serverCertificate,
                session: session))
        self.gate = gate
    }

    package var handshake: HandshakeState {
        switch state {
        case .idle: .notStarted
        case .handshaking: .running
        case .established: .completed
        case .closing, .closed: failure.map { .failed($0) } ?? .completed
        }
    }

    // MARK: Life of the channel

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { start(context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        release(ChannelError.ioOnClosedChannel)
        self.context = nil
    }

    package func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        let wasState = state
        let peerWasDone = inputClosed
        state = .closed
        switch wasState {
        case .handshaking:
            let error = TLSError(.interrupted, "the connection was closed during the TLS handshake")
            failure = error
            release(error)
            context.fireErrorCaught(error)
        case .established:
            release(ChannelError.ioOnClosedChannel)
            if !peerWasDone { context.fireErrorCaught(Self.truncated) }
        case .idle, .closing, .closed:
            release(ChannelError.ioOnClosedChannel)
        }
        context.fireChannelInactive()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            switch state {
            case .handshaking:
                fail(TLSError(.interrupted, "the peer closed the connection during the TLS handshake"), context)
            case .established where !inputClosed:
                inputClosed = true
                context.fireErrorCaught(Self.truncated)
                context.fireUserInboundEventTriggered(event)
            case .established, .closing:
                // The handler has fired it itself when close_notify came.
                break
            case .idle, .closed:
                context.fireUserInboundEventTriggered(event)
            }
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Reading

    package func read(context: ChannelHandlerContext) {
        readRequested = true
        if held == nil { context.read() }
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if state == .idle { start(context) }
        switch state {
        case .established where !inputClosed:
            receive(bytes, context)
        case .handshaking:
            if held != nil {
                held?.writeBuffer(&bytes)
            } else if let gate, !gate.admit(self) {
                held = bytes
            } else {
                receive(bytes, context)
            }
        case .idle, .established, .closing, .closed:
            break
        }
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        // Records without application data do not satisfy whoever asked for a read.
        if held == nil, readRequested || state == .handshaking { context.read() }
        context.fireChannelReadComplete()
    }

    /// Goes on with the handshake that waited at the gate; false if it is over.
    func passGate() -> Bool {
        guard let bytes = held else { return false }
        held = nil
        guard let context, state == .handshaking else { return false }
        receive(bytes, context)
        // The end of the burst was passed on while its bytes were held.
        channelReadComplete(context: context)
        return true
    }

    private func start(_ context: ChannelHandlerContext) {
        guard state == .idle else { return }
        state = .handshaking
        if case .client(let parameters) = role {
            do {
                let connection = try SSLConnection(client: parameters)
                self.connection = connection
                finish(connection.start(), context)
            } catch {
                fail(error, context)
            }
        }
        if state == .handshaking { context.read() }
    }

    private func receive(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        if connection == nil {
            // A server's connection begins with the first bytes: who only connects costs nothing.
            guard case .server(let identities, let protocols, let certificates, let name) = role else { return }
            do {
                connection = try SSLConnection(
                    server: TLSServerParameters(
                        identities: identities.table, protocols: protocols, clientCertificates: certificates,
                        fallbackName: name))
            } catch {
                return fail(error, context)
            }
        }
        if let connection { finish(connection.receive(bytes), context) }
    }

    /// Acts on what bytes from the peer led to. Nothing is lent to OpenSSL any more: whatever the handlers behind this
    /// one do in return, writing and closing included, is safe.
    private func finish(_ received: SSLConnection.Received, _ context: ChannelHandlerContext) {
        if received.handshakeCompleted {
            state = .established
            let isServer = if case .server? = role { true } else { false }
            role = nil
            writeOutput(context)
            if let handshake = connection?.handshake {
                context.fireUserInboundEventTriggered(TLSEvent.handshakeCompleted(handshake))
            }
            // A server of TLS 1.3 has written nothing now but tickets, which leave with what it writes next.
            var isUrgent = !isServer || connection?.version != .tls13
            if state == .established, flushRequested {
                encryptCorked(context)
                flushRequested = false
                isUrgent = true
            }
            if isUrgent { context.flush() }
        } else {
            answer(context)
        }
        if received.plaintext.readableBytes > 0, state == .established {
            readRequested = false
            context.fireChannelRead(wrapInboundOut(received.plaintext))
        }
        switch received.ending {
        case nil: break
        case .closeNotify: if state == .established { closedByPeer(context) }
        case .failure(let error): fail(error, context)
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        let count = writeOutput(context)
        guard count > 0 else { return }
        context.flush()
        unreadAnswers = context.channel.isWritable ? 0 : unreadAnswers + count
        if unreadAnswers > Self.unreadAnswerLimit {
            fail(TLSError(.protocolViolation, "the peer asks for answers of TLS without reading them"), context)
        }
    }

    private func closedByPeer(_ context: ChannelHandlerContext) {
        inputClosed = true
        context.fireUserInboundEventTriggered(TLSEvent.closeNotifyReceived)
        guard state == .established else { return }
        let staysHalfOpen = try? context.channel.syncOptions?.getOption(.allowRemoteHalfClosure)
        if staysHalfOpen == true, !outputClosed {
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        } else {
            close(context, promise: nil)
        }
    }

    // MARK: Writing

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var bytes = unwrapOutboundIn(data)
        guard !outputClosed, state != .closing, state != .closed else {
            promise?.fail(outputClosed ? ChannelError.outputClosed : ChannelError.ioOnClosedChannel)
            return
        }
        if corked.readableBytes == 0 {
            corked = bytes
        } else {
            corked.writeBuffer(&bytes)
        }
        if let promise { corkedPromises.append(promise) }
        if state == .established, corked.readableBytes >= Self.corkLimit { encryptCorked(context) }
    }

    package func flush(context: ChannelHandlerContext) {
        if state == .established {
            encryptCorked(context)
        } else {
            flushRequested = true
        }
        context.flush()
    }

    /// Everything collected becomes records and one write; the buffers leave with it.
    private func encryptCorked(_ context: ChannelHandlerContext) {
        guard corked.readableBytes > 0 || !corkedPromises.isEmpty, let connection else { return }
        let plaintext = corked
        let promises = corkedPromises
        corked = ByteBuffer()
        corkedPromises = []
        do {
            try connection.encrypt(plaintext)
        } catch {
            for promise in promises { promise.fail(error) }
            return fail(error, context)
        }
        var promise = promises.first
        if promises.count > 1 {
            let written = context.eventLoop.makePromise(of: Void.self)
            written.futureResult.whenComplete { result in
                for promise in promises { promise.completeWith(result) }
            }
            promise = written
        }
        context.write(wrapOutboundOut(connection.takeOutput()), promise: promise)
    }

    /// Passes on records that are no application data and returns their size.
    @discardableResult
    private func writeOutput(_ context: ChannelHandlerContext) -> Int {
        guard let output = connection?.takeOutput(), output.readableBytes > 0 else { return 0 }
        context.write(wrapOutboundOut(output), promise: nil)
        return output.readableBytes
    }

    // MARK: Closing

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch (mode, state) {
        case (.all, .established):
            close(context, promise: promise)
        case (.all, .idle), (.all, .handshaking):
            state = .closed
            failure = TLSError(.interrupted, "the TLS handshake was given up before it was complete")
            release(ChannelError.ioOnClosedChannel)
            context.close(mode: .all, promise: promise)
        case (.output, .established) where !outputClosed:
            writeCloseNotify(context)
            context.flush()
            context.close(mode: .output, promise: promise)
        case (.output, .idle), (.output, .handshaking):
            // Without the own direction no handshake can be completed.
            close(context: context, mode: .all, promise: promise)
        case (.all, .closing), (.all, .closed), (.output, .established), (.output, .closing), (.output, .closed),
            (.input, _):
            context.close(mode: mode, promise: promise)
        }
    }

    private func close(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        if !outputClosed { writeCloseNotify(context) }
        // Encrypting may have failed and closed the channel.
        guard state == .established else {
            context.close(mode: .all, promise: promise)
            return
        }
        state = .closing
        closeWhenWritten(context, promise: promise)
    }

    private func writeCloseNotify(_ context: ChannelHandlerContext) {
        encryptCorked(context)
        guard state == .established else { return }
        outputClosed = true
        connection?.writeCloseNotify()
        writeOutput(context)
    }

    private func fail(_ error: TLSError, _ context: ChannelHandlerContext) {
        guard state != .closing, state != .closed else { return }
        failure = error
        state = .closing
        // The alert that tells the peer why.
        writeOutput(context)
        context.flush()
        failCorked(error)
        held = nil
        context.fireErrorCaught(error)
        if state == .closing { closeWhenWritten(context, promise: nil) }
    }

    /// Closing a channel drops what the socket has not accepted yet, so the last records are waited for.
    private func closeWhenWritten(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
        var isDone = false
        written.futureResult.assumeIsolated().whenComplete { _ in
            isDone = true
            self.closeTimer?.cancel()
            self.closeTimer = nil
            if self.state == .closed {
                promise?.succeed()
            } else {
                context.close(mode: .all, promise: promise)
            }
        }
        if !isDone {
            closeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.closeTimeLimit) {
                context.close(mode: .all, promise: nil)
            }
        }
    }

    private func failCorked(_ error: any Error) {
        let promises = corkedPromises
        corked = ByteBuffer()
        corkedPromises = []
        for promise in promises { promise.fail(error) }
    }

    private func release(_ error: any Error) {
        connection = nil
        role = nil
        held = nil
        closeTimer?.cancel()
        closeTimer = nil
        failCorked(error)
    }

    private static let truncated = TLSError(
        .truncated, "the peer closed the connection without close_notify: what it sent last may be missing")
}

@available(*, unavailable)
extension TLSHandler: Sendable {}
