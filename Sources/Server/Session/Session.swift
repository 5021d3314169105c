internal import Logging
package import NIOCore
package import XMPP

/// A bound resource of an account, and all that belongs to it. Belongs to the event loop of its connection, and moves
/// with it when it is resumed on another.
package final class Session {
    package internal(set) var handle: SessionHandle
    package let account: Account
    package internal(set) var loop: LoopContext
    /// The connection that carries the session; each knows the other until the session ends. Nil while the session
    /// waits for being resumed.
    var stream: StreamHandler?
    /// Set once the client has enabled stream management (XEP-0198).
    var management: SessionManagement?
    /// What is held back while the client says that nobody looks (XEP-0352); nil while somebody does.
    var held: HeldStanzas?
    /// The loops that the session has been on before.
    var formerLoops: Set<Int> = []
    /// The language of stanzas that do not say theirs (RFC 6120 §4.7.4).
    var language: String?
    private var slots = Slots()
    /// The receiver of the last stanza, as it was written and as it was parsed: most stanzas go where the last went.
    private var lastReceiver: (written: [UInt8], parsed: JID)?

    package var jid: JID { handle.jid }
    package var kernel: Kernel { loop.kernel }

    init(handle: SessionHandle, account: Account, stream: StreamHandler?, loop: LoopContext) {
        self.handle = handle
        self.account = account
        self.stream = stream
        self.loop = loop
    }

    package subscript<Value>(slot: SessionSlot<Value>) -> Value {
        get { slots[slot.index, slot.initial] }
        _modify { yield &slots[slot.index, slot.initial] }
    }

    // MARK: Sending

    /// Sends a stanza to the client. The caller's burst of events ends with a flush.
    package func send(_ stanza: Stanza) {
        if held != nil {
            send(stanza.serialized, stanza.importance, stanza.pace, from: stanza.from)
        } else if management != nil {
            sendManaged(stanza.pace) { stanza.write(into: &$0) }
        } else {
            stream?.output(stanza.pace) { stanza.write(into: &$0) }
        }
    }

    /// Sends a serialised stanza to the client, or holds it back while nobody looks.
    /// - Parameter sender: where its importance does not name the sender.
    package func send(
        _ stanza: ByteBuffer, _ importance: Importance = .needed, _ pace: LoopContext.Pace = .burst, from sender: JID? = nil
    ) {
        if let result = held?.receive(stanza, importance, from: sender) {
            guard case .send(let stanzas) = result else { return }
            for stanza in stanzas { write(stanza, pace) }
        } else {
            write(stanza, pace)
        }
    }

    /// Sends a stanza for many to this one, without a copy of it that is only for that.
    func send(_ circular: Circular, _ importance: Importance, _ pace: LoopContext.Pace, from sender: JID?) {
        if held != nil {
            send(circular.serialized(to: jid), importance, pace, from: sender)
        } else if management != nil {
            sendManaged(pace) { circular.write(to: jid, into: &$0) }
        } else {
            stream?.output(pace) { circular.write(to: jid, into: &$0) }
        }
    }

    private func write(_ stanza: ByteBuffer, _ pace: LoopContext.Pace) {
        if management != nil {
            sendManaged(pace) { $0.writeImmutableBuffer(stanza) }
        } else {
            stream?.output(stanza, pace)
        }
    }

    /// Calls `body` when the client has taken most of what it was sent; at once if nothing piles up, or nobody is there.
    package func whenDrained(_ body: @escaping () -> Void) {
        if let stream { stream.whenDrained(body) } else { body() }
    }

    /// The client was given messages from the archive, which need not be delivered to it as well (XEP-0313 §6.1.1).
    /// - Parameter places: the names of their places.
    package func hasReadArchive(_ places: @autoclosure () -> [String]) {
        // What waits for an absent user is delivered when the session becomes available, and not later.
        guard account.withState({ $0.sessions.first { $0.handle == handle }?.isAvailable }) == false,
            self[Self.readPlaces].count < Self.readPlacesLimit
        else { return }
        self[Self.readPlaces].formUnion(places())
    }

    /// Whether the client was given the message at that place since it has logged in.
    package func hasRead(_ place: String) -> Bool { self[Self.readPlaces].contains(place) }

    /// Nothing waits for being delivered any more.
    package func forgetReadPlaces() {
        if !self[Self.readPlaces].isEmpty { self[Self.readPlaces] = [] }
    }

    private static let readPlaces = SessionSlot<Set<String>>([])
    /// Enough for all that can wait for an absent user by default, and more.
    private static let readPlacesLimit = 10_000

    /// Ends the session, with a stream error if there is a stream.
    package func close(_ error: StreamError) {
        if let stream { stream.close(error) } else { end() }
    }

    /// Stops reading from the client until the returned function has been called, on any thread.
    /// Keeps the order of stanzas where one of them has to wait.
    package func pause() -> @Sendable () -> Void {
        guard let stream else { return {} }
        return stream.pause()
    }

    // MARK: Receiving

    /// A stanza has arrived from the client.
    func receive(_ element: Element, _ kind: Stanza.Kind) throws(StreamError) {
        management?.handled.receive()
        let to: JID?
        do {
            to = try receiver(of: element)
        } catch {
            let type = StanzaType(of: kind, element) ?? (kind == .iq ? .get : .available)
            let stanza = Stanza(kind: kind, type: type, from: jid, to: nil, element: element)
            return refuse(stanza, StanzaError(.jidMalformed, error.description))
        }
        try checkSender(element)
        guard let type = StanzaType(of: kind, element) else {
            let stanza = Stanza(
                kind: kind, type: kind == .iq ? .get : .available, from: jid, to: to, element: element)
            return refuse(stanza, StanzaError(.badRequest, "the type of the stanza is not known"))
        }
        var stanza = Stanza(kind: kind, type: type, from: jid, to: to, element: element)
        if let language, !element.hasLanguage { stanza.language = language }
        do throws(StanzaError) {
            if kind == .iq { try stanza.checkIQ() }
            let hooks = kernel.registry.hooks(kind, .fromClient)
            let scope = HookScope(loop: loop, account: account, session: self)
            for hook in hooks.beforeDelivery {
                if try hook.see(&stanza, scope) == .handled { return }
            }
            // RFC 6120 §10.3: without an address, a stanza is for the sender's own account.
            if stanza.to == nil { stanza.to = account.jid }
            try route(stanza)
            for hook in hooks.observe { _ = try hook.see(&stanza, scope) }
        } catch {
            refuse(stanza, error)
        }
    }

    /// Routes a stanza of this session; waits, without reading on, where an account has to be loaded.
    package func route(_ stanza: Stanza) throws(StanzaError) {
        guard case .needs(let jid) = try kernel.router.route(stanza, on: loop, session: self) else { return }
        let resume = pause()
        let reference = kernel.loops[loop.index]
        let id = handle.id
        kernel.accounts.load(jid) { result in
            reference.execute { context in
                defer { resume() }
                let session = context.sessions[id]
                do throws(StanzaError) {
                    switch result {
                    case .loaded, .unknown:
                        _ = try context.kernel.router.route(stanza, on: context, session: session)
                    case .failed(let reason):
                        context.kernel.logger.error(
                            "An account cannot be read.", metadata: [LogKeys.jid: "\(jid)", LogKeys.reason: "\(reason)"])
                        throw StanzaError(.internalServerError, kind: .wait)
                    }
                } catch {
                    if let session {
                        session.refuse(stanza, error)
                    } else {
                        context.kernel.router.bounce(stanza, error, on: context)
                    }
                }
            }
        }
    }

    /// Answers a stanza of this session's with an error.
    package func refuse(_ stanza: Stanza, _ error: StanzaError) {
        guard var bounced = stanza.bounced(error) else { return }
        bounced.to = jid
        // RFC 6120 §8.1.2.1: what the server answers for the account comes from the account, or from nobody.
        if stanza.to == account.jid { bounced.from = account.jid }
        send(bounced)
        guard stanza.kind == .message else { return }
        for body in kernel.registry.messageRefused { body(self, bounced) }
    }

    private func receiver(of element: Element) throws(JIDError) -> JID? {
        if let lastReceiver, element.hasAttribute("to", lastReceiver.written) { return lastReceiver.parsed }
        let found: Result<(written: [UInt8], parsed: JID), JIDError>? = element.withAttribute("to") { bytes in
            Result { () throws(JIDError) in (Array(bytes), try JID(utf8: bytes)) }
        }
        guard let found else { return nil }
        let receiver = try found.get()
        lastReceiver = receiver
        return receiver.parsed
    }

    /// RFC 6120 §4.9.3.9: a `from` that "does not match an authorized JID", full or bare, is `invalid-from`; every other
    /// is overridden (§8.1.2.1).
    private func checkSender(_ element: Element) throws(StreamError) {
        guard element.hasAttribute("from") else { return }
        let isOwn = element.withAttribute("from") { bytes in
            (try? JID(utf8: bytes)).map { $0 == jid || $0 == account.jid } ?? false
        }
        guard isOwn ?? true else { throw StreamError(.invalidFrom) }
    }
}

extension Stanza {
    /// RFC 6120 §8.2.3: an IQ has an id; a request has exactly one child element.
    func checkIQ() throws(StanzaError) {
        guard let element, element.hasAttribute("id") else {
            throw StanzaError(.badRequest, "an IQ needs an id")
        }
        guard type == .get || type == .set else { return }
        var children = element.children
        guard children.next() != nil, children.next() == nil else {
            throw StanzaError(.badRequest, "an IQ request needs exactly one child element")
        }
    }
}
