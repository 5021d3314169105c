internal import NIOCore
package import XMPP

/// XEP-0198: stanzas are acknowledged, and a session survives the loss of its connection.
package struct StreamManagement: StreamFeature {
    // No requirement: what comes too early gets an answer of its own (§3).
    package let rule = StreamFeatureRule(
        elements: [
            ("enable", .streamManagement), ("resume", .streamManagement), ("r", .streamManagement),
            ("a", .streamManagement),
        ])

    static let resumptionTime = Setting(
        "stream-management.resumption", default: .seconds(600), in: .seconds(0)...(.seconds(86_400)),
        "How long a client that has lost its connection may come back to its session as it was; 0s: not at all.")

    static let stanzaLimit = Setting(
        "stream-management.stanzas", default: 5_000, in: 100...1_000_000,
        "How many stanzas may wait for a client's acknowledgement before its session is ended.")

    static let byteLimit = Setting(
        "stream-management.bytes", default: .mebibytes(8), in: ByteCount(65_536)...(.mebibytes(1_024)),
        "How much may wait for a client's acknowledgement before its session is ended.")

    static let settings = [AnySetting(resumptionTime), AnySetting(stanzaLimit), AnySetting(byteLimit)]

    package func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        if stream.facts.isSuperset(of: [.authenticated, .secure]) { writer.element("sm", in: .streamManagement) }
    }

    package func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError) {
        if element.isNamed("r") {
            answer(on: stream)
        } else if element.isNamed("a") {
            try acknowledge(element, on: stream)
        } else if element.isNamed("enable") {
            enable(element, on: stream)
        } else {
            resume(element, on: stream)
        }
    }

    // MARK: Acknowledgements

    /// §4; without stream management there is nothing to count.
    private func answer(on stream: StreamHandler) {
        stream.session?.count { [weak session = stream.session] count in
            session?.stream?.output { $0.writeString("<a xmlns='\(Namespace.streamManagement)' h='\(count)'/>") }
        }
    }

    private func acknowledge(_ element: Element, on stream: StreamHandler) throws(StreamError) {
        guard let session = stream.session, session.management != nil else { return }
        guard let h = Self.count(in: element) else {
            throw StreamError(.badFormat, "the attribute h is not a number of stanzas")
        }
        session.management?.isAnswerAwaited = false
        try session.acknowledge(h)
        // About what was sent since.
        stream.output { session.requestAcknowledgement(into: &$0) }
    }

    /// `h`, an unsignedInt of XML Schema.
    private static func count(in element: Element) -> UInt32? {
        element["h"].flatMap { text in text.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? UInt32(text) : nil }
    }

    // MARK: Enabling

    /// §3
    private func enable(_ element: Element, on stream: StreamHandler) {
        guard let session = stream.session, session.management == nil else {
            return fail(StanzaError(.unexpectedRequest), on: stream)
        }
        stream.output { buffer in
            var writer = XMLWriter(into: buffer)
            buffer = ByteBuffer()
            enable(element, for: session, into: &writer)
            buffer = writer.buffer
        }
    }

    /// Enables stream management for a session that does not have it yet, and writes the answer.
    private func enable(_ element: Element, for session: Session, into writer: inout XMLWriter) {
        let kernel = session.kernel
        let resumption = resumption(element, kernel.configuration)
        writer.element(
            "enabled", in: .streamManagement,
            [
                "resume": resumption.map { _ in "true" }, "id": resumption?.id,
                "max": resumption.map { "\($0.time.nanoseconds / 1_000_000_000)" },
            ])
        session.management = SessionManagement(resumption: resumption, limit: Self.limit(kernel.configuration))
        guard let resumption else { return }
        kernel.resumptions[resumption.id] = session.handle
        session.account.withState { state in state.updateSession(session.handle.id) { $0.isResumable = true } }
    }

    /// §9.1: with a new session.
    static let inline = Registration.inline(.streamManagement) { bind, session, writer in
        guard let element = bind.child("enable", in: .streamManagement) else { return }
        StreamManagement().enable(element, for: session, into: &writer)
    }

    /// How much may wait for acknowledgement.
    static func limit(_ configuration: Configuration) -> (stanzas: Int, bytes: Int) {
        (configuration[stanzaLimit], configuration[byteLimit].bytes)
    }

    private func resumption(_ element: Element, _ configuration: Configuration) -> SessionManagement.Resumption? {
        guard element["resume"] == "true" || element["resume"] == "1" else { return nil }
        var seconds = configuration[Self.resumptionTime].components.seconds
        if let wish = element["max"].flatMap({ Int64($0) }), wish > 0 { seconds = min(seconds, wish) }
        return seconds > 0 ? SessionManagement.Resumption(id: StreamHandler.randomID(), time: .seconds(seconds)) : nil
    }

    // MARK: Resuming

    /// §5
    private func resume(_ element: Element, on stream: StreamHandler) {
        resume(element, on: stream) { _, _, resumed, buffer in
            buffer.writeImmutableBuffer(resumed)
        } refused: { stream, error in
            fail(error, on: stream)
        }
    }

    /// Resumes a session on a stream.
    /// - Parameters:
    ///   - answer: writes `<resumed/>`, which the client's stanzas follow.
    ///   - refused: called if there is nothing to be resumed.
    func resume(
        _ element: Element, on stream: StreamHandler,
        _ answer: @escaping @Sendable (StreamHandler, Session, _ resumed: ByteBuffer, inout ByteBuffer) -> Void,
        refused: @escaping @Sendable (StreamHandler, StanzaError) -> Void
    ) {
        guard let account = stream.authenticated, stream.session == nil else {
            return refused(stream, StanzaError(.unexpectedRequest))
        }
        guard let id = element["previd"], let h = Self.count(in: element) else {
            return refused(stream, StanzaError(.badRequest))
        }
        let kernel = stream.kernel
        guard kernel.configuration[Self.resumptionTime] > .zero else {
            return refused(stream, StanzaError(.featureNotImplemented))
        }
        // Whoever shows somebody else's identifier learns nothing.
        guard let handle = kernel.resumptions[id], handle.jid.bare == account else {
            return refused(stream, StanzaError(.itemNotFound))
        }
        let proceed = stream.pause()
        let bound = NIOLoopBound(stream, eventLoop: stream.loop.eventLoop)
        kernel.take(handle, to: stream.loop) { session, _ in
            let stream = bound.value
            if let session {
                session.resume(on: stream, id: id, h: h, answer, proceed)
            } else {
                refused(stream, StanzaError(.itemNotFound))
                proceed()
            }
        }
    }

    private func fail(_ error: StanzaError, on stream: StreamHandler) {
        stream.output { buffer in
            var writer = XMLWriter(into: buffer)
            buffer = ByteBuffer()
            Self.write(error, into: &writer)
            buffer = writer.buffer
        }
    }

    static func write(_ error: StanzaError, into writer: inout XMLWriter) {
        writer.element("failed", in: .streamManagement) { $0.element(error.condition.name.text, in: .stanzaErrors) }
    }
}

extension Session {
    /// Goes on with a connection that the session was brought to the loop of (XEP-0198 §5).
    fileprivate func resume(
        on stream: StreamHandler, id: String, h: UInt32,
        _ answer: @escaping @Sendable (StreamHandler, Session, _ resumed: ByteBuffer, inout ByteBuffer) -> Void,
        _ proceed: @escaping @Sendable () -> Void
    ) {
        kernel.resumptions[id] = handle
        guard !stream.machine.isClosing else { return lose() }
        do throws(StreamError) {
            try acknowledge(h)
        } catch {
            stream.close(error)
            end()
            return proceed()
        }
        // What the client has sent is to be on disk before it is told so; until then nothing is written.
        count { [unowned self] count in
            defer { proceed() }
            guard !stream.machine.isClosing, let unacknowledged = management?.unacknowledged else { return lose() }
            account.withState { state in
                state.updateSession(handle.id) { bound in
                    bound.isAway = false
                    // XEP-0352 §5.2
                    bound.isInactive = false
                    bound.returns += 1
                }
            }
            loop.hasReturned(self)
            var writer = XMLWriter()
            writer.element("resumed", in: .streamManagement, ["previd": id, "h": "\(count)"])
            stream.output { buffer in
                answer(stream, self, writer.buffer, &buffer)
                buffer.writeImmutableBuffer(unacknowledged.all)
            }
            // All of it is asked for anew.
            management?.asked = unacknowledged.acknowledged
            self.stream = stream
            stream.attach(self)
            becomeActive()
        }
    }
}
