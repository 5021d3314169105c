internal import Logging
internal import NIOCore
package import XMPP

extension Session {
    /// Does something with the number of stanzas handled, as soon as all that was received so far is handled.
    func count(_ body: @escaping (UInt32) -> Void) {
        if let count = management?.count(orLater: body) { body(count) }
    }

    /// Keeps the stanza that is being received from being acknowledged (XEP-0198 §4) until the returned function was
    /// called, on any thread: for what must be on disk first.
    package func withholdAcknowledgement() -> @Sendable () -> Void {
        guard let ticket = management?.handled.withhold() else { return {} }
        return { [kernel, handle] in
            kernel.find(handle) { session, _ in
                for (body, count) in session?.management?.release(ticket) ?? [] { body(count) }
            }
        }
    }

    /// Sends a stanza that is kept until the client has acknowledged it.
    func sendManaged(_ pace: LoopContext.Pace, _ write: (inout ByteBuffer) -> Void) {
        guard let bytes = management?.unacknowledged.append(at: kernel.clock.date, write) else { return }
        stream?.output(bytes, pace)
        if management?.isFull == true { overflow() }
    }

    /// The client acknowledges nothing, or is away while too much is sent to it: the session ends, and what it was sent
    /// goes where it would go without it.
    private func overflow() {
        // Not in the middle of what sends to it.
        kernel.loops[loop.index].execute { [handle] in
            $0.session(handle)?.close(StreamError(.policyViolation, "too many stanzas were not acknowledged"))
        }
    }

    /// Another connection takes over.
    func leaveConnection() {
        stream?.release(StreamError(.conflict, "the session was resumed on another connection"))
        stream = nil
        management?.isAnswerAwaited = false
    }

    /// The server stops: the connection ends, and the session does not.
    func abandonConnection() {
        stream?.abandon()
        stream = nil
    }

    /// The connection is lost: the session waits for another one, or ends.
    func lose() {
        guard let resumption = management?.resumption else { return end() }
        stream = nil
        management?.isAnswerAwaited = false
        var bound: BoundSession?
        account.withState { state in
            state.updateSession(handle.id) { session in
                session.isAway = true
                bound = session
            }
        }
        loop.keep(self, for: resumption.time)
        if let bound { tellOfLoss(bound) }
    }

    /// The client is gone, and has not acknowledged what it was sent last.
    func tellOfLoss(_ bound: BoundSession) {
        guard management?.unacknowledged.count ?? 0 > 0 else { return }
        for body in kernel.registry.sessionLost { body(self, bound) }
    }

    /// What the client has not acknowledged, oldest first.
    package var unacknowledgedStanzas: [Stanza] {
        (management?.unacknowledged.each.map { $0.stanza } ?? []).compactMap { Stanza(sent: $0, parsedBy: loop.parser) }
    }

    /// Writes a request for an acknowledgement if one is due: whenever stanzas were sent and no answer is awaited.
    func requestAcknowledgement(into buffer: inout ByteBuffer) {
        guard let management, !management.isAnswerAwaited, management.unacknowledged.sent != management.asked else {
            return
        }
        self.management?.isAnswerAwaited = true
        self.management?.asked = management.unacknowledged.sent
        buffer.writeStaticString("<r xmlns='urn:xmpp:sm:3'/>")
    }

    /// The client has handled all up to number `h`.
    func acknowledge(_ h: UInt32) throws(StreamError) {
        do throws(UnacknowledgedStanzas.TooMany) {
            try management?.unacknowledged.acknowledge(h)
        } catch {
            throw StreamError(
                .undefinedCondition, "you acknowledged \(error.acknowledged) stanzas, but were sent \(error.sent)",
                application: StreamError.Application(
                    "handled-count-too-high", in: .streamManagement,
                    ["h": "\(error.acknowledged)", "send-count": "\(error.sent)"]))
        }
    }

    /// The session is over, and the client has not acknowledged what it was sent last: that goes where it would have
    /// gone without the session (§4).
    func redeliver(_ unacknowledged: UnacknowledgedStanzas) {
        for (bytes, sent) in unacknowledged.each {
            guard let stanza = Stanza(sent: bytes, parsedBy: loop.parser) else { continue }
            kernel.router.redeliver(stanza, sent: sent, of: account, on: loop)
        }
    }
}

extension Stanza {
    /// A stanza that this server has sent to a client.
    fileprivate init?(sent bytes: ByteBuffer, parsedBy parser: StanzaParser) {
        defer { parser.release() }
        guard let element = try? parser.parse(bytes, limits: .none) else { return nil }
        let kind: Kind = element.isNamed("message") ? .message : element.isNamed("presence") ? .presence : .iq
        guard let type = StanzaType(of: kind, element) else { return nil }
        self.init(
            kind: kind, type: type, from: element["from"].flatMap { try? JID($0) },
            to: element["to"].flatMap { try? JID($0) }, element: element)
    }
}

extension XMLLimits {
    /// For what the server has written itself.
    fileprivate static let none = XMLLimits(
        bytes: 1 << 30, depth: 1_000, attributes: 10_000, unknownNames: 100_000)
}

extension Namespace {
    /// XEP-0198
    package static let streamManagement: Namespace = "urn:xmpp:sm:3"
}
