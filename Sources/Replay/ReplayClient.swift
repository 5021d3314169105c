internal import NIOCore
internal import XMPP

/// One role of a play on its connection: a client or an external component.
///
/// Belongs to the task that plays the transcript.
final class ReplayClient {
    /// What the connection brings.
    enum Incoming {
        case header(Markup)
        case element(Markup)
        case streamEnd
        /// The connection ended.
        case end

        /// "r" for a request for acknowledgement and "a" for an acknowledgement (XEP-0198 §4), which may come at any
        /// time; nil for everything else.
        var acknowledging: String? {
            guard case .element(let element) = self else { return nil }
            return element.acknowledging
        }
    }

    let role: Transcript.Role
    let patience: Duration
    private let connection: any Connection
    private var stream = IncomingStream()
    /// Received and not yet asked for.
    private var inbox: [Incoming] = []
    /// The id of the server's stream.
    private(set) var streamID = ""
    /// The address the stream is bound to.
    private(set) var fullJID: String?
    /// Whether the stream can carry stanzas, as far as this client knows.
    private(set) var isReady = false
    /// Whether a log-in has succeeded, be it by hand.
    private var isLoggedIn = false
    private var barriers = 0

    init(playing role: Transcript.Role, on connection: any Connection, patience: Duration) {
        self.role = role
        self.connection = connection
        self.patience = patience
    }

    /// Negotiates until stanzas can flow or the stage at which the role stops is reached.
    func negotiate() async throws {
        if role.encryption == .direct { try await startTLS() }
        guard role.stopsAt != .tcp else { return }
        switch role.kind {
        case .client: try await Negotiation.negotiate(self)
        case .component: try await ComponentHandshake.perform(by: self)
        }
    }

    var domain: String { role.serverDomain }
    var canStartTLS: Bool { connection.canStartTLS }

    /// Notes that the stream is bound to an address.
    func bound(to jid: String) {
        fullJID = jid
        isReady = true
    }

    // MARK: Sending

    func send(_ text: String) async throws { try await connection.send(ByteBuffer(string: text)) }

    func send(_ bytes: ByteBuffer) async throws { try await connection.send(bytes) }

    func send(_ markup: Markup) async throws { try await send(markup.serialized(inheriting: role.contentNamespace)) }

    /// Opens a stream and receives the server's opening tag.
    func openStream() async throws {
        let streams = Namespace.streams
        var header = "<?xml version='1.0'?><stream:stream xmlns='\(role.contentNamespace)' xmlns:stream='\(streams)'"
        header += " to='\(Markup.escaped(domain))'"
        if role.kind == .client { header += " version='1.0' xml:lang='en'" }
        try await send(header + ">")
        let answer = try await next()
        guard case .header(let answer) = answer else {
            throw StepFailure("  the server answered the opening tag with \(describe(answer))")
        }
        streamID = answer["id"] ?? ""
    }

    func startTLS() async throws {
        try await connection.startTLS(serverName: domain)
        stream = IncomingStream()
        inbox = []
    }

    func channelBinding(_ type: String) async throws -> [UInt8]? { try await connection.channelBinding(type) }

    // MARK: Receiving

    /// The next thing received, passing over requests for acknowledgement and acknowledgements.
    /// - Parameter expected: the names of those that are not to be passed over, "r" and "a".
    func next(acknowledging expected: Set<String> = []) async throws(StepFailure) -> Incoming {
        while true {
            while inbox.isEmpty {
                switch await connection.received.take(within: patience) {
                case .bytes(let bytes): try read(bytes)
                case .end: return .end
                case .nothingInTime: throw StepFailure("  nothing was received within \(patience)")
                }
            }
            let first = inbox.removeFirst()
            guard let name = first.acknowledging, !expected.contains(name) else { return first }
        }
    }

    /// The next element received.
    func nextElement() async throws(StepFailure) -> Markup {
        let incoming = try await next()
        guard case .element(let element) = incoming else {
            throw StepFailure("  received \(describe(incoming)) instead of an element")
        }
        return element
    }

    /// Lets the next thing received be one that was taken before.
    func putBack(_ element: Markup) { inbox.insert(.element(element), at: 0) }

    /// What was received and not asked for.
    var unread: Incoming? { inbox.first { $0.acknowledging == nil } }

    private func read(_ bytes: ByteBuffer) throws(StepFailure) {
        do {
            for event in try stream.receive(bytes) {
                switch event {
                case .header(let header): inbox.append(.header(header))
                case .element(let element):
                    if element.name == "success" { loggedIn(element) }
                    inbox.append(.element(element))
                case .streamEnd: inbox.append(.streamEnd)
                }
            }
        } catch {
            throw StepFailure("  what was received is no stream of XML (\(error)): \(String(buffer: bytes))")
        }
    }

    /// A log-in has succeeded, be it by hand. With SASL2 that may have bound a resource (XEP-0388 §2.6.1).
    private func loggedIn(_ success: Markup) {
        isLoggedIn = true
        guard let identifier = success.child("authorization-identifier", in: Namespace.sasl2.description)?.text,
            identifier.contains("/")
        else { return }
        bound(to: identifier)
    }

    /// Waits until the server has dealt with all that was sent on this stream, and its answers have arrived.
    ///
    /// A ping of the server (XEP-0199) travels behind them in both directions; any answer to it will do. Before the
    /// log-in there are no pings: then this takes in what has arrived.
    func barrier() async throws(StepFailure) {
        guard isReady || isLoggedIn else {
            while let taken = connection.received.takeNow() {
                guard case .bytes(let bytes) = taken else { return inbox.append(.end) }
                try read(bytes)
            }
            return
        }
        barriers += 1
        let id = "barrier-\(barriers)"
        let from = role.kind == .component ? " from='\(Markup.escaped(role.jid))'" : ""
        do {
            try await send(
                "<iq type='get' id='\(id)'\(from) to='\(Markup.escaped(domain))'><ping xmlns='urn:xmpp:ping'/></iq>")
        } catch {
            throw StepFailure("  the connection is broken: \(error)")
        }
        let waiting = inbox
        inbox = []
        defer { inbox = waiting + inbox }
        var passed: [Incoming] = []
        while true {
            let incoming = try await next(acknowledging: ["r", "a"])
            if case .element(let element) = incoming, element.name == "iq", element["id"] == id { break }
            passed.append(incoming)
            if case .end = incoming { break }
        }
        inbox = passed + inbox
    }

    // MARK: Closing

    /// Closes the stream and waits for the server to do the same; what else arrives is forgotten.
    func disconnect() async throws(StepFailure) {
        isReady = false
        do {
            try await send("</stream:stream>")
        } catch {
            throw StepFailure("  the connection is broken: \(error)")
        }
        while true {
            switch try await next() {
            case .streamEnd: return await connection.close()
            case .end: throw StepFailure("  the server ended the connection without closing its stream")
            case .header, .element: continue
            }
        }
    }

    /// Ends the connection without closing the stream.
    func abort() async {
        isReady = false
        await connection.close()
    }

    func describe(_ incoming: Incoming) -> String {
        switch incoming {
        case .header(let header): "a stream header: \(header.serialized(inheriting: role.contentNamespace))"
        case .element(let element): element.serialized(inheriting: role.contentNamespace)
        case .streamEnd: "the end of the stream"
        case .end: "the end of the connection"
        }
    }
}
