package import NIOCore
internal import TLS
package import XMPP

/// What the connections of one event loop share. Belongs to that loop.
package final class LoopContext {
    package let eventLoop: any EventLoop
    /// The loop's place in `Kernel.loops`.
    package let index: Int
    /// Owns this context, and so outlives it.
    package unowned(unsafe) let kernel: Kernel
    /// Parses the streams of clients that declare nothing unusual on their root.
    let parser = StanzaParser()
    /// Lets only so many TLS handshakes go on at once.
    let handshakes: HandshakeGate
    private(set) var sessions: [UInt64: Session] = [:]
    private var streams: [ObjectIdentifier: StreamHandler] = [:]
    /// Streams with output that was not yet written to their channel.
    private var unflushed: [StreamHandler] = []
    /// What waits for other loops, by loop, in order.
    private var outboxes: [[HandedOver]]

    /// One stanza for a session of another loop.
    struct HandedOver: Sendable {
        let session: SessionHandle
        let stanza: ByteBuffer
    }

    init(eventLoop: any EventLoop, index: Int, loopCount: Int, kernel: Kernel) {
        self.eventLoop = eventLoop
        self.index = index
        self.kernel = kernel
        outboxes = Array(repeating: [], count: loopCount)
        handshakes = HandshakeGate(
            eventLoop: eventLoop, limit: kernel.configuration[LimitSettings.pendingHandshakes])
    }

    /// The connections that are open on this loop.
    var streamCount: Int { streams.count }

    func add(_ stream: StreamHandler) { streams[ObjectIdentifier(stream)] = stream }
    func remove(_ stream: StreamHandler) { streams[ObjectIdentifier(stream)] = nil }

    /// Closes what takes too long; called every few seconds.
    func checkTime() {
        let now = NIODeadline.now()
        for stream in Array(streams.values) { stream.checkTime(now) }
        flush()
    }

    /// Ends all streams with an error.
    func closeAll(_ error: StreamError) {
        for stream in Array(streams.values) { stream.close(error) }
        flush()
    }

    // MARK: Sessions

    func add(_ session: Session) { sessions[session.handle.id] = session }
    func remove(_ session: Session) { sessions[session.handle.id] = nil }

    /// The session of this loop with that name, unless it has ended.
    package func session(_ handle: SessionHandle) -> Session? { sessions[handle.id] }

    // MARK: Output

    /// Sends a stanza to sessions of any loop; serialised at most once.
    package func send(_ stanza: Stanza, to handles: [SessionHandle]) {
        if handles.count == 1, handles[0].loop == index {
            sessions[handles[0].id]?.send(stanza)
            return
        }
        let bytes = stanza.serialized
        for handle in handles { send(bytes, to: handle) }
    }

    /// Sends serialised stanzas to a session of any loop.
    package func send(_ bytes: ByteBuffer, to handle: SessionHandle) {
        if handle.loop == index {
            sessions[handle.id]?.send(bytes)
        } else {
            outboxes[handle.loop].append(HandedOver(session: handle, stanza: bytes))
        }
    }

    func markUnflushed(_ stream: StreamHandler) { unflushed.append(stream) }

    /// Writes what has been sent since the last flush; at the end of each burst of events.
    package func flush() {
        while !unflushed.isEmpty {
            let streams = unflushed
            unflushed.removeAll(keepingCapacity: true)
            for stream in streams { stream.flushOutput() }
        }
        for loop in outboxes.indices where !outboxes[loop].isEmpty {
            let batch = outboxes[loop]
            outboxes[loop].removeAll(keepingCapacity: true)
            kernel.loops[loop].execute { context in
                for handed in batch { context.sessions[handed.session.id]?.send(handed.stanza) }
            }
        }
    }
}

/// Names an event loop's context from any thread.
package struct LoopReference: Sendable {
    package let eventLoop: any EventLoop
    private let context: NIOLoopBound<LoopContext>

    /// To be called on the context's loop.
    init(_ context: LoopContext) {
        eventLoop = context.eventLoop
        self.context = NIOLoopBound(context, eventLoop: context.eventLoop)
    }

    /// The context; to be called on its loop.
    var current: LoopContext { context.value }

    /// Does something on the loop, and then flushes what it sent.
    package func execute(_ body: @escaping @Sendable (LoopContext) -> Void) {
        eventLoop.execute {
            body(context.value)
            context.value.flush()
        }
    }
}
