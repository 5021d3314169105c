internal import Logging
internal import NIOCore
internal import XMPP

/// The connection of an external component that has proved its secret, and all that belongs to it. Belongs to the event
/// loop of its stream.
final class ComponentConnection {
    let component: Component
    let handle: SessionHandle
    let loop: LoopContext
    /// Each knows the other until the connection ends.
    private let stream: StreamHandler
    private var told = ToldPresence()
    /// Since when the component takes nothing of what waits for it.
    private var stalled: NIODeadline?
    /// Answers that are being made, of those that may be made while more is read.
    private var answers = 0
    private var resumeAfterAnswers: (@Sendable () -> Void)?

    /// How many answers are made at the same time.
    private static let answerLimit = 64

    init(_ component: Component, handle: SessionHandle, on stream: StreamHandler) {
        self.component = component
        self.handle = handle
        self.stream = stream
        loop = stream.loop
    }

    private var kernel: Kernel { loop.kernel }

    // MARK: Sending

    func send(_ stanza: ByteBuffer, _ pace: LoopContext.Pace) {
        stream.output(stanza, pace)
        guard stalled == nil, stream.isBlocked else { return }
        stalled = loop.eventLoop.now
        component.congest(handle)
        awaitRelief()
    }

    private func awaitRelief() {
        stream.whenDrained { [weak self] in
            guard let self, stalled != nil else { return }
            // It has taken some, and the channel more of what waits.
            if stream.isBlocked {
                stalled = loop.eventLoop.now
                return awaitRelief()
            }
            stalled = nil
            component.relieve(handle)
        }
    }

    /// Called from time to time: nobody waits for ever for a component that does not read.
    func checkTime(_ now: NIODeadline, _ limit: TimeAmount) {
        guard let stalled, now - stalled > limit else { return }
        stream.giveUp()
    }

    func close(_ error: StreamError) { stream.close(error) }

    /// Stops reading from the component until the returned function is called, on any thread.
    func pause() -> @Sendable () -> Void { stream.pause() }

    /// An answer to the component is going to be made while more is read, unless many are being made.
    /// - Returns: to be called on the loop when it is made.
    func beginAnswer() -> @Sendable (LoopContext) -> Void {
        answers += 1
        if answers >= Self.answerLimit, resumeAfterAnswers == nil { resumeAfterAnswers = stream.pause() }
        return { [handle] loop in loop.component(handle)?.endAnswer() }
    }

    private func endAnswer() {
        answers -= 1
        guard answers < Self.answerLimit, let resume = resumeAfterAnswers else { return }
        resumeAfterAnswers = nil
        resume()
    }

    // MARK: Receiving

    /// A stanza has arrived from the component.
    func receive(_ element: Element, _ kind: Stanza.Kind) throws(StreamError) {
        let from = try sender(of: element)
        let type = StanzaType(of: kind, element)
        var stanza = Stanza(
            kind: kind, type: type ?? (kind == .iq ? .get : .available), from: from, to: nil, element: element)
        do throws(StanzaError) {
            stanza.to = try Self.receiver(of: element)
            if type == nil { throw StanzaError(.badRequest, "the type of the stanza is not known") }
            if kind == .iq { try stanza.checkIQ() }
            if kind == .presence, let to = stanza.to { told.sent(stanza.type, from: from, to: to) }
            loop.speaker = self
            defer { loop.speaker = nil }
            try route(stanza)
        } catch {
            refuse(stanza, error)
        }
    }

    /// §3: "The domain identifier portion of the JID contained in the 'from' attribute MUST match the hostname of the
    /// component." What names no sender is refused as between servers (RFC 6120 §4.9.3.7).
    private func sender(of element: Element) throws(StreamError) -> JID {
        let found = element.withAttribute("from") { try? JID(utf8: $0) }
        guard let found else { throw StreamError(.improperAddressing, "a stanza has no 'from'") }
        guard let from = found, from.hasSameDomain(as: component.jid) else {
            throw StreamError(.invalidFrom, "a stanza is from another domain than \(component.jid)")
        }
        return from
    }

    private static func receiver(of element: Element) throws(StanzaError) -> JID {
        let found = element.withAttribute("to") { bytes in Result { () throws(JIDError) in try JID(utf8: bytes) } }
        switch found {
        case .success(let to)?: return to
        case .failure(let error)?: throw StanzaError(.jidMalformed, error.description)
        case nil: throw StanzaError(.badRequest, "a stanza of a component needs a 'to'")
        }
    }

    /// Routes a stanza of the component; waits, without reading on, where an account has to be loaded.
    private func route(_ stanza: Stanza) throws(StanzaError) {
        guard case .needs(let jid) = try kernel.router.route(stanza, on: loop) else { return }
        let resume = stream.pause()
        let reference = kernel.loops[loop.index]
        kernel.accounts.load(jid) { [handle] result in
            reference.execute { loop in
                defer { resume() }
                let connection = loop.component(handle)
                loop.speaker = connection
                defer { loop.speaker = nil }
                do throws(StanzaError) {
                    if case .failed(let reason) = result {
                        loop.kernel.logger.error(
                            "An account cannot be read.", metadata: [LogKeys.jid: "\(jid)", LogKeys.reason: "\(reason)"])
                        throw StanzaError(.internalServerError, kind: .wait)
                    }
                    _ = try loop.kernel.router.route(stanza, on: loop)
                } catch {
                    connection?.refuse(stanza, error)
                }
            }
        }
    }

    /// Answers a stanza of the component's with an error.
    private func refuse(_ stanza: Stanza, _ error: StanzaError) {
        guard var bounced = stanza.bounced(error) else { return }
        if bounced.from == nil { bounced.from = kernel.mainDomain }
        send(bounced.serialized, .burst)
    }

    // MARK: Ending

    /// The connection is over: whoever was told that somebody is available there is told the contrary.
    func end() {
        loop.remove(self)
        component.disconnect(handle)
        for (from, to) in told.takeAll() {
            kernel.send(Stanza(.presence, type: .unavailable, from: from, to: to), on: loop)
        }
    }
}
