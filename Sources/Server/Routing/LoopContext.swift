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
    /// Streams with output that is written at the end of the burst of events at hand.
    private var unflushed: [StreamHandler] = []
    /// Streams with output that is written at the end of the loop's tick.
    private var unhurried: [StreamHandler] = []
    /// What waits for other loops, by loop, in order.
    private var outboxes: [Outbox]
    private var isTickEndAwaited = false

    /// When output is written to the channel.
    package enum Pace: Sendable {
        /// At the end of the burst of events at hand: what was read from one connection, or handed over by one loop.
        case burst
        /// When all connections that were ready have been read from. What many people send to many is so written
        /// together: for each receiver one write, and not one for each sender.
        case tick
    }

    /// One stanza for a session of another loop.
    struct HandedOver: Sendable {
        let session: SessionHandle
        let stanza: ByteBuffer
        let pace: Pace
    }

    private struct Outbox {
        var stanzas: [HandedOver] = []
        /// Whether one of them is to be written at the end of the burst.
        var isUrgent = false
    }

    init(eventLoop: any EventLoop, index: Int, loopCount: Int, kernel: Kernel) {
        self.eventLoop = eventLoop
        self.index = index
        self.kernel = kernel
        outboxes = Array(repeating: Outbox(), count: loopCount)
        handshakes = HandshakeGate(
            eventLoop: eventLoop, limit: kernel.configuration[LimitSettings.pendingHandshakes])
    }

    /// The connections that are open on this loop.
    var streamCount: Int { streams.count }

    func add(_ stream: StreamHandler) { streams[ObjectIdentifier(stream)] = stream }
    func remove(_ stream: StreamHandler) { streams[ObjectIdentifier(stream)] = nil }

    /// Closes what takes too long; called every few seconds.
    func checkTime() {
        let now = eventLoop.now
        for stream in Array(streams.values) { stream.checkTime(now) }
        flush()
    }

    /// Ends all streams with an error.
    func closeAll(_ error: StreamError) {
        for stream in Array(streams.values) { stream.close(error) }
        flush()
    }

    /// How many streams are sent on in a second, so that not all reach the other host at once (RFC 6120 §4.3.5).
    private static let sentOnAtOnce = 100

    /// Ends the streams with domains that are served by another host now.
    func sendOn() {
        var left = Self.sentOnAtOnce
        for stream in Array(streams.values) where stream.sendOn() {
            left -= 1
            if left == 0 { break }
        }
        flush()
        guard left == 0 else { return }
        eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { self.sendOn() }
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
        for handle in handles { send(bytes, to: handle, stanza.pace) }
    }

    /// Sends serialised stanzas to a session of any loop.
    package func send(_ bytes: ByteBuffer, to handle: SessionHandle, _ pace: Pace = .burst) {
        if handle.loop == index {
            sessions[handle.id]?.send(bytes, pace)
        } else {
            outboxes[handle.loop].stanzas.append(HandedOver(session: handle, stanza: bytes, pace: pace))
            if pace == .burst { outboxes[handle.loop].isUrgent = true } else { awaitEndOfTick() }
        }
    }

    func markUnflushed(_ stream: StreamHandler, _ pace: Pace) {
        switch pace {
        case .burst:
            unflushed.append(stream)
        case .tick:
            unhurried.append(stream)
            awaitEndOfTick()
        }
    }

    /// A burst of events has ended: writes what does not wait for the end of the tick.
    func endBurst() {
        flushStreams()
        for loop in outboxes.indices where outboxes[loop].isUrgent { handOver(to: loop) }
    }

    /// Writes all that has been sent. To be called where something else depends on the order of writing.
    package func flush() {
        unflushed += unhurried
        unhurried.removeAll(keepingCapacity: true)
        flushStreams()
        for loop in outboxes.indices where !outboxes[loop].stanzas.isEmpty { handOver(to: loop) }
    }

    private func awaitEndOfTick() {
        guard !isTickEndAwaited else { return }
        isTickEndAwaited = true
        // What a loop is given to do while it handles events comes after them.
        eventLoop.assumeIsolated().execute {
            self.isTickEndAwaited = false
            self.flush()
        }
    }

    private func flushStreams() {
        while !unflushed.isEmpty {
            let streams = unflushed
            unflushed.removeAll(keepingCapacity: true)
            for stream in streams { stream.flushOutput() }
        }
    }

    private func handOver(to loop: Int) {
        let batch = outboxes[loop].stanzas
        outboxes[loop].stanzas.removeAll(keepingCapacity: true)
        outboxes[loop].isUrgent = false
        kernel.loops[loop].execute { context in
            for handed in batch { context.sessions[handed.session.id]?.send(handed.stanza, handed.pace) }
        }
    }
}

extension Stanza {
    /// Presence goes from one to many, and in storms; the rest mostly from one to one.
    var pace: LoopContext.Pace { kind == .presence ? .tick : .burst }
}

/// Names an event loop's context from any thread.
package struct LoopReference: Sendable {
    package let eventLoop: any EventLoop
    private let context: NIOLoopBound<LoopContext>
    private let executor: LoopExecutor

    /// To be called on the context's loop.
    init(_ context: LoopContext) {
        eventLoop = context.eventLoop
        executor = LoopExecutor(context.eventLoop)
        self.context = NIOLoopBound(context, eventLoop: context.eventLoop)
    }

    /// The context; to be called on its loop.
    var current: LoopContext { context.value }

    /// Does something on the loop as a burst of events of its own.
    package func execute(_ body: @escaping @Sendable (LoopContext) -> Void) {
        eventLoop.execute {
            body(context.value)
            context.value.endBurst()
        }
    }

    /// Does something that has to wait, between its waits on the loop: no thread is woken for it but by what it waits
    /// for. It must not block.
    package func task(_ body: @escaping @Sendable () async -> Void) {
        Task(executorPreference: executor) { await body() }
    }
}
