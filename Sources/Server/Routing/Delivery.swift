package import XMPP

/// Delivers to the sessions of a local account (RFC 6121 §8.5).
package enum Delivery {
    /// The sessions that receive a message that is not refused.
    package static func receivers(of message: Stanza, to address: JID, _ sessions: [BoundSession]) -> [SessionHandle] {
        if address.isFull, let session = sessions.first(where: { $0.handle.jid == address }) { return [session.handle] }
        switch message.type {
        case .headline: return sessions.filter { ($0.presence?.priority ?? -1) >= 0 }.map(\.handle)
        case .normal where address.isFull, .error, .groupchat: return []
        default: return mostAvailable(sessions).map { [$0.first] + $0.others } ?? []
        }
    }

    /// Returns false if nobody could take the stanza.
    /// - Throws: the refusal of a stanza that is not to be kept either.
    static func deliver(_ stanza: Stanza, _ scope: HookScope) throws(StanzaError) -> Bool {
        guard let to = stanza.to else { return true }
        let sessions = scope.account.sessions
        if to.isFull {
            if let session = sessions.first(where: { $0.handle.jid == to }) {
                scope.loop.send(stanza, to: session.handle)
                return true
            }
            return try deliverToMissingResource(stanza, sessions, scope)
        }
        return try deliverToBare(stanza, sessions, scope)
    }

    /// §8.5.2: the bare JID of an account. IQs are answered by the server, and do not come here.
    private static func deliverToBare(
        _ stanza: Stanza, _ sessions: [BoundSession], _ scope: HookScope
    ) throws(StanzaError) -> Bool {
        let receivers: [SessionHandle]
        switch (stanza.kind, stanza.type) {
        // §8.5.2.1.1: "the server MUST NOT deliver the stanza to any of the available resources but instead MUST
        // return a stanza error to the sender".
        case (.message, .groupchat): throw StanzaError(.serviceUnavailable)
        // "For a message stanza of type "error", the server MUST silently ignore the message."
        case (.message, .error): return true
        // "the server MUST deliver the message to all of the non-negative resources."
        case (.message, .headline): receivers = sessions.filter { ($0.presence?.priority ?? -1) >= 0 }.map(\.handle)
        case (.message, _): return sendToMostAvailable(stanza, sessions, scope)
        // §8.5.2.1.2: to all available resources, whatever their priority.
        case (.presence, _): receivers = sessions.filter(\.isAvailable).map(\.handle)
        case (.iq, _): return false
        }
        guard !receivers.isEmpty else { return false }
        scope.loop.send(stanza, to: receivers)
        return true
    }

    /// Delivers a message as if it were addressed to the bare JID; false if nobody could take it.
    static func deliverToMostAvailable(_ stanza: Stanza, _ scope: HookScope) -> Bool {
        sendToMostAvailable(stanza, scope.account.sessions, scope)
    }

    private static func sendToMostAvailable(_ stanza: Stanza, _ sessions: [BoundSession], _ scope: HookScope) -> Bool {
        guard let receivers = mostAvailable(sessions) else { return false }
        if receivers.others.isEmpty {
            scope.loop.send(stanza, to: receivers.first)
        } else {
            scope.loop.send(stanza, to: [receivers.first] + receivers.others)
        }
        return true
    }

    /// §8.5.2.1.1: "the resource or resources with the highest presence priority", if it is not negative.
    ///
    /// Nearly always one session, for which no array is made.
    private static func mostAvailable(_ sessions: [BoundSession]) -> (first: SessionHandle, others: [SessionHandle])? {
        var found: (first: SessionHandle, others: [SessionHandle])?
        var highest: Int8 = 0
        // By index: the elements are large to copy.
        for index in sessions.indices {
            guard let priority = sessions[index].presence?.priority, priority >= highest else { continue }
            if priority > highest || found == nil {
                highest = priority
                found = (sessions[index].handle, [])
            } else {
                found?.others.append(sessions[index].handle)
            }
        }
        return found
    }

    /// §8.5.3.2: a full JID that no session is bound to.
    private static func deliverToMissingResource(
        _ stanza: Stanza, _ sessions: [BoundSession], _ scope: HookScope
    ) throws(StanzaError) -> Bool {
        switch (stanza.kind, stanza.type) {
        // §8.5.3.2.1: as if it were addressed to the bare JID.
        case (.message, .chat): return try deliverToBare(stanza, sessions, scope)
        // "either (a) silently ignore the stanza or (b) return an error stanza"
        case (.message, .headline), (.message, .error): return true
        case (.message, _): throw StanzaError(.serviceUnavailable)
        // §8.5.3.2.2, §8.5.3.2.3
        case (.presence, _): return true
        case (.iq, .result), (.iq, .error): return true
        case (.iq, _): throw StanzaError(.serviceUnavailable)
        }
    }

    /// §8.5.1 and §8.5.2.2: what nobody took is refused, or dropped where the sender must not be told. An account that
    /// does not exist answers like one that nobody is logged in to, so that accounts cannot be guessed.
    static func refuseAbsent(_ stanza: Stanza) throws(StanzaError) {
        switch (stanza.kind, stanza.type) {
        case (.message, .headline), (.message, .error), (.presence, _), (_, .result), (_, .error): break
        default: throw StanzaError(.serviceUnavailable)
        }
    }
}
