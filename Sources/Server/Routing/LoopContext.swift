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
    var recentHeader = RecentHeader()
    var featureLists = FeatureLists()
    /// Lets only so many TLS handshakes go on at once.
    let handshakes: HandshakeGate
    private(set) var sessions: [UInt64: Session] = [:]
    private var components: [UInt64: ComponentConnection] = [:]
    /// The component whose stanza is being handled: who has to wait for something lets it be read no further.
    var speaker: ComponentConnection?
    /// Sessions that have moved from here to another loop: who does not know it yet still sends here.
    private var moved: [UInt64: Int] = [:]
    /// Sessions that are on their way here, with what was sent to them meanwhile.
    private var arriving: [UInt64: [HandedOver]] = [:]
    /// Sessions whose connection is lost, and until when they may be resumed.
    private var away: [UInt64: NIODeadline] = [:]
    private(set) var streams: [ObjectIdentifier: StreamHandler] = [:]
    /// Streams with output that is written at the end of the burst of events at hand.
    private var unflushed: [StreamHandler] = []
    /// Room for those that are being written.
    private var flushing: [StreamHandler] = []
    /// Streams with output that is written at the end of the loop's tick.
    private var unhurried: [StreamHandler] = []
    /// What waits for other loops, by loop, in order.
    private var outboxes: [Outbox]
    private var isAnyUrgent = false
    private var isTickEndAwaited = false
    /// What features keep here.
    var slots = Slots()

    /// When output is written to the channel.
    package enum Pace: Sendable {
        /// At the end of the burst of events at hand: what was read from one connection, or handed over by one loop.
        case burst
        /// When all connections that were ready have been read from. What many people send to many is so written
        /// together: for each receiver one write, and not one for each sender.
        case tick
    }

    enum Serialized: Sendable {
        case whole(ByteBuffer)
        /// The address of the receiver is missing.
        case circular(Circular)
    }

    /// One stanza for a session of another loop.
    struct HandedOver: Sendable {
        let session: SessionHandle
        let stanza: Serialized
        let importance: Importance
        let sender: JID?
        let pace: Pace
    }

    private struct Outbox {
        var stanzas: [HandedOver] = []
        var errands: [@Sendable (LoopContext) -> Void] = []
        /// Whether one of them is to be written at the end of the burst.
        var isUrgent = false
        var isEmpty: Bool { stanzas.isEmpty && errands.isEmpty }
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

    func add(_ stream: StreamHandler) {
        streams[ObjectIdentifier(stream)] = stream
        kernel.connectionChanged()
    }

    func remove(_ stream: StreamHandler) {
        streams[ObjectIdentifier(stream)] = nil
        kernel.connectionChanged()
    }

    /// Closes what takes too long; called every few seconds.
    func checkTime() {
        let now = eventLoop.now
        for stream in Array(streams.values) { stream.checkTime(now) }
        for (id, limit) in away where limit <= now { sessions[id]?.end() }
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
    func remove(_ session: Session) {
        sessions[session.handle.id] = nil
        away[session.handle.id] = nil
    }

    /// A session has lost its connection and waits for another one.
    func keep(_ session: Session, for time: TimeAmount) { away[session.handle.id] = eventLoop.now + time }
    func hasReturned(_ session: Session) { away[session.handle.id] = nil }

    // MARK: Components

    func add(_ connection: ComponentConnection) { components[connection.handle.id] = connection }
    func remove(_ connection: ComponentConnection) { components[connection.handle.id] = nil }
    func component(_ handle: SessionHandle) -> ComponentConnection? { components[handle.id] }

    // MARK: Sessions on their way

    /// A session is going to come here: keeps what is sent to it until it is there.
    func expect(_ id: UInt64) { arriving[id] = [] }

    /// The session that was expected is there, or does not come.
    func arrived(_ id: UInt64, _ session: Session?) {
        moved[id] = nil
        let waiting = arriving.removeValue(forKey: id) ?? []
        guard let session else { return }
        add(session)
        for handed in waiting { session.send(handed) }
    }

    /// A session of this loop goes to another.
    func leave(_ session: Session, for loop: Int) {
        remove(session)
        moved[session.handle.id] = loop
    }

    /// A session that was here has ended elsewhere.
    func forget(_ id: UInt64) { moved[id] = nil }

    /// Where a session has moved to from here.
    func whereabouts(of id: UInt64) -> Int? { moved[id] }

    /// The session of this loop with that name, unless it has ended.
    package func session(_ handle: SessionHandle) -> Session? { sessions[handle.id] }

    // MARK: Output

    /// Sends a stanza to sessions of any loop; serialised at most once.
    package func send(_ stanza: Stanza, to handles: [SessionHandle]) {
        if handles.count == 1 { return send(stanza, to: handles[0]) }
        guard !handles.isEmpty else { return }
        let bytes = stanza.serialized
        let (importance, pace) = (stanza.importance, stanza.pace)
        for handle in handles {
            send(HandedOver(session: handle, stanza: .whole(bytes), importance: importance, sender: stanza.from, pace: pace))
        }
    }

    /// Sends a stanza to a session of any loop.
    package func send(_ stanza: Stanza, to handle: SessionHandle) {
        if handle.loop == index, let session = sessions[handle.id] { return session.send(stanza) }
        send(
            HandedOver(
                session: handle, stanza: .whole(stanza.serialized), importance: stanza.importance, sender: stanza.from,
                pace: stanza.pace))
    }

    /// Sends serialised stanzas that somebody waits for to a session of any loop.
    package func send(_ bytes: ByteBuffer, to handle: SessionHandle) {
        send(HandedOver(session: handle, stanza: .whole(bytes), importance: .needed, sender: nil, pace: .burst))
    }

    /// Sends a stanza for many to one of them.
    func send(_ circular: Circular, to handle: SessionHandle, _ importance: Importance, _ pace: Pace, from sender: JID?) {
        send(
            HandedOver(
                session: handle, stanza: .circular(circular), importance: importance, sender: sender, pace: pace))
    }

    /// Has something done on a loop: at once if it is this one, or with all else that is handed over to the other at
    /// the end of the burst, after what was sent there before.
    package func perform(on loop: Int, _ errand: @escaping @Sendable (LoopContext) -> Void) {
        if loop == index { return errand(self) }
        outboxes[loop].errands.append(errand)
        hurry(loop)
    }

    private func send(_ handed: consuming HandedOver) {
        if handed.session.loop == index { deliver(handed) } else { put(handed, for: handed.session.loop) }
    }

    fileprivate func deliver(_ handed: HandedOver) {
        let id = handed.session.id
        if let session = sessions[id] {
            session.send(handed)
        } else if arriving[id] != nil {
            arriving[id]?.append(handed)
        } else if let loop = moved[id] {
            put(handed, for: loop)
        } else if let component = components[id] {
            switch handed.stanza {
            case .whole(let bytes): component.send(bytes, handed.pace)
            // It goes to sessions only.
            case .circular: break
            }
        }
    }

    private func put(_ handed: consuming HandedOver, for loop: Int) {
        let pace = handed.pace
        if outboxes[loop].stanzas.isEmpty { outboxes[loop].stanzas.reserveCapacity(8) }
        outboxes[loop].stanzas.append(handed)
        if pace == .burst { hurry(loop) } else { awaitEndOfTick() }
    }

    private func hurry(_ loop: Int) {
        outboxes[loop].isUrgent = true
        isAnyUrgent = true
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
        // First, so that other loops write theirs while this one writes its own.
        handOverUrgent()
        flushStreams()
        handOverUrgent()
    }

    private func handOverUrgent() {
        guard isAnyUrgent else { return }
        isAnyUrgent = false
        for loop in outboxes.indices where outboxes[loop].isUrgent { handOver(to: loop) }
    }

    /// Writes all that has been sent. To be called where something else depends on the order of writing.
    package func flush() {
        unflushed += unhurried
        unhurried.removeAll(keepingCapacity: true)
        handOverAll()
        flushStreams()
        handOverAll()
    }

    private func handOverAll() {
        for loop in outboxes.indices where !outboxes[loop].isEmpty { handOver(to: loop) }
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
            // To write can end a stream, and so lead back to here.
            var streams: [StreamHandler] = []
            swap(&streams, &flushing)
            swap(&streams, &unflushed)
            for stream in streams { stream.flushOutput() }
            streams.removeAll(keepingCapacity: true)
            swap(&streams, &flushing)
        }
    }

    private func handOver(to loop: Int) {
        var outbox = Outbox()
        swap(&outbox, &outboxes[loop])
        kernel.loops[loop].deliver(outbox.stanzas, outbox.errands)
    }
}

extension Session {
    fileprivate func send(_ handed: LoopContext.HandedOver) {
        switch handed.stanza {
        case .whole(let bytes): send(bytes, handed.importance, handed.pace, from: handed.sender)
        case .circular(let circular): send(circular, handed.importance, handed.pace, from: handed.sender)
        }
    }
}

extension Stanza {
    /// Presence goes from one to many, and in storms; the rest mostly from one to one.
    var pace: LoopContext.Pace { kind == .presence ? .tick : .burst }
}

/// Names an event loop's context from any thread.
package final class LoopReference: Sendable {
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
            let context = self.context.value
            body(context)
            context.endBurst()
        }
    }

    /// `execute` for callers that may wait for what comes of it.
    package func run<Result: Sendable>(_ body: @escaping @Sendable (LoopContext) -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            execute { continuation.resume(returning: body($0)) }
        }
    }

    /// Like `execute`, for what is done most.
    func deliver(_ batch: [LoopContext.HandedOver], _ errands: [@Sendable (LoopContext) -> Void] = []) {
        eventLoop.execute {
            let context = self.context.value
            for handed in batch { context.deliver(handed) }
            for errand in errands { errand(context) }
            context.endBurst()
        }
    }

    /// Does something that has to wait, between its waits on the loop: no thread is woken for it but by what it waits
    /// for. It must not block.
    package func task(_ body: @escaping @Sendable () async -> Void) {
        Task(executorPreference: executor) { await body() }
    }
}
