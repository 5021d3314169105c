internal import FoundationEssentials
internal import NIOCore
internal import XMPP

/// A session that may be resumed, as it is kept while the server is restarted (XEP-0198 §5).
struct SavedSession: Codable, Sendable {
    struct Stanza: Codable, Sendable {
        let bytes: [UInt8]
        /// Milliseconds since 1970.
        let sent: Int64
    }

    struct Presence: Codable, Sendable {
        let priority: Int8
        let content: [UInt8]
        let language: String?
        let id: String?
    }

    /// By which the client asks for it.
    let id: String
    /// The full JID.
    let jid: String
    /// How long it may be away.
    let seconds: Int64
    let language: String?
    /// How many stanzas of the client are handled.
    let handled: UInt64
    /// How many of those sent to the client it has acknowledged.
    let acknowledged: UInt32
    let unacknowledged: [Stanza]
    let presence: Presence?
    let isInterested: Bool
    /// The installation of the client.
    let device: String?
    /// What features keep of it, by their names for it.
    let parts: [String: [UInt8]]

    var encoded: [UInt8]? { (try? JSONEncoder().encode(self)).map(Array.init) }

    init?(decoding bytes: [UInt8]) {
        guard let value = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
        self = value
    }

    /// Nil for a session that cannot be resumed. To be called on its loop.
    init?(_ session: Session) {
        session.becomeActive()
        guard let management = session.management, let resumption = management.resumption else { return nil }
        let bound = session.account.withState { state in
            state.sessions.first { $0.handle == session.handle }
        }
        guard let bound else { return nil }
        id = resumption.id
        jid = session.jid.description
        seconds = resumption.time.nanoseconds / 1_000_000_000
        language = session.language
        handled = management.handled.received
        acknowledged = management.unacknowledged.acknowledged
        unacknowledged = management.unacknowledged.each.map {
            Stanza(bytes: Array($0.stanza.readableBytesView), sent: $0.sent.milliseconds)
        }
        presence = bound.presence.map {
            Presence(
                priority: $0.priority, content: Array($0.content.readableBytesView), language: $0.language, id: $0.id)
        }
        isInterested = bound.isInterested
        device = bound.device
        var parts: [String: [UInt8]] = [:]
        for part in session.kernel.registry.sessionParts { parts[part.name] = part.save(session) }
        self.parts = parts
    }

    /// What the session had when it was saved.
    func management(limit: (stanzas: Int, bytes: Int)) -> SessionManagement {
        var management = SessionManagement(
            resumption: SessionManagement.Resumption(id: id, time: .seconds(seconds)), limit: limit)
        management.handled = HandledStanzas(received: handled)
        management.unacknowledged = UnacknowledgedStanzas(acknowledged: acknowledged)
        for stanza in unacknowledged {
            _ = management.unacknowledged.append(at: DateTime(milliseconds: stanza.sent)) { $0.writeBytes(stanza.bytes) }
        }
        return management
    }

    func bound(as handle: SessionHandle) -> BoundSession {
        var bound = BoundSession(handle: handle, device: device)
        bound.isAway = true
        bound.isResumable = true
        bound.isInterested = isInterested
        bound.presence = presence.map {
            var presence = AvailablePresence(
                priority: $0.priority, content: ByteBuffer(bytes: $0.content), language: $0.language)
            presence.id = $0.id
            return presence
        }
        return bound
    }
}
