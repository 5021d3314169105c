internal import XMPP

/// Delivers to the sessions of a local account (RFC 6121 §8.5).
enum Delivery {
    /// Returns false if nobody could take the stanza.
    static func deliver(_ stanza: Stanza, _ scope: HookScope) throws(StanzaError) -> Bool {
        guard let to = stanza.to else { return true }
        let sessions = scope.account.sessions
        if to.isFull {
            if let session = sessions.first(where: { $0.handle.jid == to }) {
                scope.loop.send(stanza, to: [session.handle])
                return true
            }
            return try deliverToMissingResource(stanza, sessions, scope)
        }
        return deliverToBare(stanza, sessions, scope)
    }

    /// §8.5.2: the bare JID of an account.
    private static func deliverToBare(_ stanza: Stanza, _ sessions: [BoundSession], _ scope: HookScope) -> Bool {
        let receivers: [SessionHandle]
        switch stanza.kind {
        case .message:
            switch stanza.type {
            // §8.5.2.1.1: "the server MUST NOT deliver the stanza to any of the available resources".
            case .groupchat: return false
            // "error: […] the server MUST silently ignore the stanza."
            case .error: return true
            // §8.5.2.1.1: "deliver it to all of the resources that have […] non-negative presence priority".
            default:
                receivers = sessions.filter { ($0.presence?.priority ?? -1) >= 0 }.map(\.handle)
            }
        case .presence:
            // §8.5.2.1.2: to all available resources, whatever their priority.
            receivers = sessions.filter(\.isAvailable).map(\.handle)
        case .iq:
            return false
        }
        guard !receivers.isEmpty else { return false }
        scope.loop.send(stanza, to: receivers)
        return true
    }

    /// §8.5.3.2: a full JID that no session is bound to.
    private static func deliverToMissingResource(
        _ stanza: Stanza, _ sessions: [BoundSession], _ scope: HookScope
    ) throws(StanzaError) -> Bool {
        switch (stanza.kind, stanza.type) {
        // §8.5.3.2.1: "the server SHOULD treat the stanza as if it were addressed to <node@domain>."
        case (.message, .chat), (.message, .normal): deliverToBare(stanza, sessions, scope)
        // "headline: […] silently ignore"; errors likewise.
        case (.message, .headline), (.message, .error): true
        case (.message, _): false
        // §8.5.3.2.2, §8.5.3.2.3
        case (.presence, _): true
        case (.iq, .result), (.iq, .error): true
        case (.iq, _): false
        }
    }

    /// §8.5.1 and §8.5.2.2: what nobody took is refused, or dropped where the sender must not be told.
    static func refuseAbsent(_ stanza: Stanza) throws(StanzaError) {
        switch (stanza.kind, stanza.type) {
        case (.message, .headline), (.message, .error), (.presence, _), (_, .result), (_, .error): break
        default: throw StanzaError(.serviceUnavailable)
        }
    }
}
