internal import Logging
package import NIOCore
internal import TLS
package import XMPP

/// A client's or a component's stream on its connection: bytes in, stanzas to the session, stanzas out (RFC 6120 §4).
///
/// Callbacks of the channel become events of the stream machine, whose results are carried out here; what can be
/// negotiated is in the stream features. Belongs to the event loop of its channel.
package final class StreamHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    package let loop: LoopContext
    package let listener: Listener
    /// The address of the peer.
    package let address: IPAddress?
    /// Random, sent in the stream header (RFC 6120 §4.7.3); tells the stream's log lines from others'.
    package private(set) var id: String
    package private(set) var machine: StreamMachine
    /// Whom the peer has proved to be: a bare JID.
    package var authenticated: JID?
    /// Whom the peer claims to be in a header that nobody can have changed on its way.
    private(set) var claimed: JID?
    /// The installation of the client, as it has named it itself (XEP-0388 §2.3).
    var device: String?
    /// The language of what the peer sends, where it says no other (RFC 6120 §4.7.4).
    private(set) var language: String?
    package private(set) var session: Session?
    /// In the place of a session, where the peer is an external component.
    private(set) var component: ComponentConnection?
    package var kernel: Kernel { loop.kernel }
    package var facts: StreamFacts { machine.facts }
    private var isClosing: Bool { machine.isClosing }

    private var context: ChannelHandlerContext?
    private var framer: StanzaFramer
    /// For a stream whose root declares more than usual.
    private var ownParser: StanzaParser?
    private var slots = Slots()
    private var received = ByteBuffer()
    /// How much of `received` the framer has seen.
    private var scanned = 0
    private var unsent = ByteBuffer()
    private var isWritable = true
    /// What was unsent when output began to be held back; nil while it is not.
    private var held: ByteBuffer?
    /// When the loop writes what is unsent; nil if it does not know of any.
    private var awaited: LoopContext.Pace?
    /// What waits for the peer to take what it was sent.
    private var draining: [() -> Void] = []
    private var hasSentHeader = false
    /// Reasons not to process what arrives.
    private var pauses = 0
    private var isReadHeld = false
    /// The peer has closed the connection, after what is still to be processed.
    private var hasUnprocessedEnd = false
    private var bytesBucket: TokenBucket
    private var stanzasBucket: TokenBucket
    let opened: NIODeadline
    /// When the peer was heard last, and whether it has been asked for a sign of life since.
    private(set) var heard: NIODeadline
    private var isProbed = false
    private let limits: StreamLimits

    init(loop: LoopContext, listener: Listener, address: IPAddress?) {
        self.loop = loop
        self.listener = listener
        self.address = address
        let now = loop.eventLoop.now
        let limits = listener.content == .client ? loop.kernel.limits : loop.kernel.componentLimits
        self.limits = limits
        opened = now
        heard = now
        id = StreamHandler.randomID()
        framer = Self.framer(limits)
        machine = StreamMachine(content: listener.content, facts: listener.initialFacts, rules: listener.rules)
        bytesBucket = TokenBucket(rate: limits.bytesPerSecond, burst: limits.bytesBurst, now: now)
        stanzasBucket = TokenBucket(rate: limits.stanzasPerSecond, burst: limits.stanzasBurst, now: now)
    }

    package subscript<Value>(slot: StreamSlot<Value>) -> Value {
        get { slots[slot.index, slot.make()] }
        _modify { yield &slots[slot.index, slot.make()] }
    }

    // MARK: Channel

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.add(self)
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        loop.remove(self)
        loseSession()
        drained()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        _ = machine.endReceived()
        loseSession()
        loop.flush()
        context.fireChannelInactive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        // After the end of our stream nothing is processed; what still comes is read so that the peer can read our end.
        guard !isClosing else { return }
        heard = loop.eventLoop.now
        isProbed = false
        if let wait = bytesBucket.spend(bytes.readableBytes, now: heard) { pause(for: wait) }
        if received.readableBytes == 0 {
            received = bytes
        } else {
            received.writeBuffer(&bytes)
        }
        process(heard)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        loop.endBurst()
        context.fireChannelReadComplete()
    }

    package func read(context: ChannelHandlerContext) {
        // While something is waited for, one more piece is taken in: most clients wait for the answer, too, and the
        // system need not be told to stop listening to them and to begin again.
        if pauses > 0, received.readableBytes > 0 {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable {
            flushOutput()
            drained()
        }
        context.fireChannelWritabilityChanged()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as ChannelEvent where event == .inputClosed:
            if pauses > 0 {
                hasUnprocessedEnd = true
            } else {
                peerHungUp()
            }
        default:
            listener.secured(self, event)
        }
        context.fireUserInboundEventTriggered(event)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        log(.debug, "A connection has failed.", [LogKeys.reason: "\(error)"])
        _ = machine.endReceived()
        loseSession()
        loop.flush()
        context.close(promise: nil)
    }

    /// Puts a handler between this stream and the socket.
    package func insertBelow(_ handler: any ChannelHandler & RemovableChannelHandler) throws {
        guard let context else { return }
        try context.pipeline.syncOperations.addHandler(handler, position: .before(self))
    }

    /// The handler of a type below this stream.
    package func handlerBelow<Handler: ChannelHandler>(_ type: Handler.Type) -> Handler? {
        try? context?.pipeline.syncOperations.handler(type: type)
    }

    // MARK: Reading

    private func process(_ now: NIODeadline) {
        while pauses == 0, !isClosing, received.readableBytes > 0 {
            let step = received.withUnsafeReadableBytes { framer.scan($0, from: scanned) }
            scanned = 0
            do throws(StreamError) {
                switch step {
                case .incomplete:
                    return try keepPartial()
                case .blank(let end):
                    received.moveReaderIndex(forwardBy: end)
                    try machine.blankReceived()
                case .header(let end):
                    guard let bytes = received.readSlice(length: end) else { return }
                    try openStream(loop.recentHeader.parse(bytes))
                case .element(let end):
                    guard let bytes = received.readSlice(length: end) else { return }
                    if facts.contains(.bound), let wait = stanzasBucket.spend(1, now: now) { pause(for: wait) }
                    let parser = ownParser ?? loop.parser
                    defer { parser.release() }
                    try process(parser.parse(bytes, limits: currentLimits))
                case .streamEnd(let end):
                    received.moveReaderIndex(forwardBy: end)
                    peerEnded()
                case .refused(let error):
                    throw error
                }
            } catch {
                close(error)
            }
        }
        if received.readableBytes == 0, scanned == 0 { received = ByteBuffer() }
    }

    private static func framer(_ limits: StreamLimits) -> StanzaFramer {
        StanzaFramer(maximumDepth: limits.afterLogin.depth, maximumAttributes: limits.afterLogin.attributes)
    }

    private var currentLimits: XMLLimits {
        facts.contains(.authenticated) ? limits.afterLogin : limits.beforeLogin
    }

    /// Keeps the beginning of an element, in memory of its own size.
    private func keepPartial() throws(StreamError) {
        scanned = received.readableBytes
        guard scanned <= currentLimits.bytes else {
            throw StreamError(.policyViolation, "an element is larger than \(currentLimits.bytes) bytes")
        }
        if received.storageCapacity > 2 * scanned + 256 {
            received = ByteBuffer(bytes: received.readableBytesView)
        }
    }

    private func openStream(_ header: StreamHeader) throws(StreamError) {
        let result = machine.headerReceived(header) { name in
            switch listener.content {
            case .client: kernel.servedDomain(name)
            case .component: name.flatMap { try? JID($0) }.flatMap { $0.isDomain ? kernel.component(at: $0)?.jid : nil }
            }
        }
        ownParser =
            StanzaParser.isUsual(header, listener.content)
            ? nil : StanzaParser(root: StanzaParser.Root(header, listener.content))
        let from = header.from.flatMap { try? JID($0) }?.bare
        claimed = facts.contains(.encrypted) ? from : nil
        language = header.defaultLanguage
        switch result {
        case .fail(let error):
            sendHeader(from: kernel.mainDomain, to: from, version: header.answeredVersion)
            throw error
        case .open(let domain):
            // RFC 6120 §4.7.2: the bare address that the peer gives for its own, and none if it gives none.
            sendHeader(from: domain, to: from, version: header.answeredVersion)
            if let movedTo { throw movedTo }
            // XEP-0114 §3: what a component does first it knows already.
            guard listener.content == .client else { return }
            // XEP-0388 §2.1
            if let claimed, !claimed.hasSameDomain(as: domain) {
                throw StreamError(.invalidFrom, "the stream was opened in the name of another domain")
            }
            let features = featureList
            output { $0.writeImmutableBuffer(features) }
        }
    }

    private func process(_ element: Element) throws(StreamError) {
        var element = element
        if listener.content == .component, element.isIn(.component) { element = try unqualified(element) }
        switch machine.elementReceived(element) {
        case .negotiate(let rule): try listener.features[rule].negotiate(element, on: self)
        case .stanza(let kind):
            if let session { try session.receive(element, kind) } else { try component?.receive(element, kind) }
        case .peerFailed: close(nil)
        case .ignore: break
        case .fail(let error): throw error
        }
    }

    /// What a component has written in its own namespace, as it would be without that: seldom, for it need not.
    private func unqualified(_ element: Element) throws(StreamError) -> Element {
        var bytes = ByteBuffer()
        element.write(into: &bytes, inheriting: Namespace.component.description)
        var limits = currentLimits
        // It can have grown by what it inherited.
        limits.bytes = max(limits.bytes, bytes.readableBytes)
        return try loop.parser.parse(bytes, limits: limits)
    }

    // MARK: Negotiation

    /// Something was negotiated; with a restart, the peer opens a new stream on this connection.
    package func negotiated(_ facts: StreamFacts, restarts: Bool = false) {
        machine.negotiated(facts, restarts: restarts)
        if restarts {
            // What the client has sent already belongs to the new stream; before TLS there is nothing, see `StartTLS`.
            scanned = 0
            framer = Self.framer(limits)
            slots = Slots()
            hasSentHeader = false
            id = Self.randomID()
        }
    }

    /// What was reached is lost again.
    func lost(_ facts: StreamFacts) { machine.lost(facts) }

    /// Whether the peer has sent more than the element at hand, without waiting for the answer.
    package var hasMoreInput: Bool { received.readableBytes > 0 }

    /// The stream now carries a session.
    func attach(_ session: Session) {
        self.session = session
        session.language = language
        slots = Slots()
        negotiated(.bound)
    }

    /// The stream now carries a component's stanzas.
    func attach(_ component: ComponentConnection) {
        self.component = component
        authenticated = component.component.jid
        loop.add(component)
        slots = Slots()
        negotiated([.authenticated, .bound])
    }

    // MARK: Pausing

    /// Stops processing and reading until the returned function is called, on any thread.
    package func pause() -> @Sendable () -> Void {
        pauses += 1
        let stream = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let reference = kernel.loops[loop.index]
        return { reference.execute { _ in stream.value.resume() } }
    }

    private func pause(for time: TimeAmount) {
        pauses += 1
        // Not for every stanza anew: what a rate holds back goes on in small bursts.
        loop.eventLoop.assumeIsolated().scheduleTask(in: max(time, .milliseconds(50))) {
            self.resume()
            self.loop.flush()
        }
    }

    private func resume() {
        pauses -= 1
        guard pauses == 0 else { return }
        process(loop.eventLoop.now)
        guard pauses == 0 else { return }
        if isReadHeld {
            isReadHeld = false
            context?.read()
        }
        if hasUnprocessedEnd {
            hasUnprocessedEnd = false
            peerHungUp()
        }
    }

    // MARK: Writing

    /// Appends to what is sent at the end of the burst of events at hand, or of the loop's tick.
    package func output(_ pace: LoopContext.Pace = .burst, _ write: (inout ByteBuffer) -> Void) {
        guard let context else { return }
        if unsent.readableBytes == 0 { unsent.reserveCapacity(512) }
        write(&unsent)
        awaitFlush(pace, context)
    }

    /// Appends what is written already; most of the time it is all there is to be sent, and not copied again.
    func output(_ bytes: ByteBuffer, _ pace: LoopContext.Pace) {
        guard let context else { return }
        if unsent.readableBytes == 0 { unsent = bytes } else { unsent.writeImmutableBuffer(bytes) }
        awaitFlush(pace, context)
    }

    private func awaitFlush(_ pace: LoopContext.Pace, _ context: ChannelHandlerContext) {
        if unsent.readableBytes > limits.unsent {
            giveUp()
        } else if awaited.map({ $0 == .tick && pace == .burst }) ?? true {
            awaited = pace
            loop.markUnflushed(self, pace)
        }
    }

    /// The peer does not read; there is no way to tell it.
    func giveUp() {
        log(.notice, "A peer does not read what it is sent; its connection is closed.")
        unsent = ByteBuffer()
        _ = machine.endSent()
        context?.close(promise: nil)
    }

    /// Whether the peer does not take what it is sent as fast as it is sent.
    var isBlocked: Bool { context != nil && !isWritable }

    /// Writes what is unsent, unless the channel's own buffer is full.
    func flushOutput() {
        awaited = nil
        guard held == nil, let context, unsent.readableBytes > 0, isWritable || isClosing else { return }
        session?.requestAcknowledgement(into: &unsent)
        let bytes = unsent
        unsent = ByteBuffer()
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    /// Keeps back all that is sent from now on, until the answer is known that it is to follow.
    func holdOutput() {
        guard held == nil else { return }
        held = unsent
        unsent = ByteBuffer()
    }

    /// Sends the answer, and then what was kept back.
    func sendHeldOutput(after write: (inout XMLWriter) -> Void) {
        guard let before = held else { return }
        held = nil
        let waiting = unsent
        unsent = before
        output { buffer in
            var writer = XMLWriter(into: buffer)
            buffer = ByteBuffer()
            write(&writer)
            buffer = writer.buffer
        }
        if waiting.readableBytes > 0 { output(waiting, .burst) }
    }

    /// The answer never comes.
    private func forgetHeldOutput() {
        guard let before = held else { return }
        held = nil
        unsent = before
    }

    /// Calls `body` when the peer has taken most of what it was sent, or is gone; at once if nothing piles up.
    func whenDrained(_ body: @escaping () -> Void) {
        if !isBlocked { body() } else { draining.append(body) }
    }

    private func drained() {
        guard !draining.isEmpty else { return }
        let bodies = draining
        draining = []
        for body in bodies { body() }
    }

    private func sendHeader(from domain: JID?, to: JID?, version: String? = "1.0") {
        hasSentHeader = true
        let id = id
        output {
            switch listener.content {
            case .client:
                StreamHeader.write(
                    into: &$0, from: domain?.description, to: to?.description, id: id, language: "en", version: version)
            case .component:
                StreamHeader.write(
                    into: &$0, from: domain?.description, to: nil, id: id, language: nil,
                    content: .component, version: nil)
            }
        }
    }

    // MARK: Ending

    /// Ends our stream, with an error or without, and the connection when the peer has ended its own (RFC 6120 §4.4).
    package func close(_ error: StreamError?) {
        // §4.9.1.2: an error while the stream is being opened follows an opening tag of our own.
        if !hasSentHeader, error != nil { sendHeader(from: machine.domain ?? kernel.mainDomain, to: nil) }
        let hadHeader = hasSentHeader
        guard machine.endSent() else { return }
        forgetHeldOutput()
        if let error {
            log(.debug, "A stream is closed.", [LogKeys.condition: "\(error)"])
            output { buffer in
                var writer = XMLWriter(into: buffer)
                buffer = ByteBuffer()
                error.write(into: &writer)
                buffer = writer.buffer
            }
        }
        if hadHeader { output { $0.writeStaticString("</stream:stream>") } }
        received = ByteBuffer()
        endSession()
        loop.flush()
        closeConnection(after: limits.closing)
    }

    /// Sends the peer to where its domain is served now, if it has moved and this can be said safely.
    /// - Returns: whether the stream was closed.
    func sendOn() -> Bool {
        guard machine.isOpen, let movedTo else { return false }
        close(movedTo)
        return true
    }

    /// The peer has closed the connection without having ended its stream (XEP-0198 §7).
    private func peerHungUp() {
        if !isClosing { loseSession() }
        peerEnded()
        loop.flush()
    }

    private func peerEnded() {
        let answers = machine.endReceived()
        forgetHeldOutput()
        endSession()
        if answers, hasSentHeader {
            output { $0.writeStaticString("</stream:stream>") }
            flushOutput()
        }
        context?.close(promise: nil)
    }

    /// Gives the peer time to read our last words: closing with unread input would discard them on their way.
    private func closeConnection(after time: TimeAmount) {
        guard let context else { return }
        let channel = context.channel
        guard !hasUnprocessedEnd else { return channel.close(promise: nil) }
        channel.close(mode: .output, promise: nil)
        if pauses > 0 {
            pauses = 0
            context.read()
        }
        loop.eventLoop.assumeIsolated().scheduleTask(in: time) { channel.close(promise: nil) }
    }

    private func endSession() {
        endComponent()
        guard let session else { return }
        self.session = nil
        session.end()
    }

    /// The session ends unless it can be resumed on another connection.
    private func loseSession() {
        endComponent()
        guard let session else { return }
        self.session = nil
        session.lose()
    }

    private func endComponent() {
        guard let component else { return }
        self.component = nil
        log(.info, "A component is not connected any more.")
        component.end()
    }

    /// Closes the connection without ending the stream, so that the session can be resumed (XEP-0198 §7).
    func abandon() {
        session = nil
        forgetHeldOutput()
        flushOutput()
        _ = machine.endReceived()
        context?.close(promise: nil)
    }

    /// The session is resumed on another connection.
    func release(_ error: StreamError) {
        session = nil
        close(error)
    }

    // MARK: Time

    /// Called from time to time: closes what takes too long to log in, and what is silent for too long.
    func checkTime(_ now: NIODeadline) {
        guard !isClosing else { return }
        guard facts.contains(.bound) else {
            if now - opened > limits.loginTime {
                // §4.6.3; the peer may well be there, so it is no connection-timeout (§4.9.3.4).
                close(StreamError(.policyViolation, "log-in took too long"))
            }
            return
        }
        component?.checkTime(now, limits.stall)
        if now - heard > limits.keepalive + limits.keepaliveAnswer {
            loseSession()
            close(StreamError(.connectionTimeout))
        } else if now - heard > limits.keepalive, !isProbed {
            isProbed = true
            // A blank is answered by nobody, but a connection that is gone fails to take it (RFC 6120 §4.6.1);
            // a request is answered by every client (XEP-0199).
            let (from, to) = session.map { (machine.domain, $0.jid) } ?? (kernel.mainDomain, component?.component.jid)
            let ping = Stanza(.iq, type: .get, from: from, to: to, id: "alive-\(id.prefix(6))") {
                $0.element("ping", in: "urn:xmpp:ping")
            }
            if let session { session.send(ping) } else { component?.send(ping.serialized, .burst) }
        }
    }
}
