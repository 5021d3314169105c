internal import Server
internal import XMPP

/// Whom sessions have told of their presence besides those who are subscribed (RFC 6121 §4.6).
enum DirectedPresence {
    /// By session: who is to be told when it becomes unavailable.
    private static let receivers = AccountSlot<[UInt64: Set<JID>]>([:])

    /// More receivers than a client could mean; one that sends to more is told nothing wrong, only not remembered.
    private static let limit = 10_000

    /// A session sends presence to somebody.
    static func sent(_ type: StanzaType, to receiver: JID, by session: Session) {
        let handle = session.handle
        session.account.withState { state in
            if type == .unavailable {
                state[receivers][handle.id]?.remove(receiver)
                return
            }
            // §4.6.3: contacts that are subscribed are told anyway, if the session has told them that it is there.
            let isAvailable = state.sessions.contains { $0.handle == handle && $0.isAvailable }
            if isAvailable, state.roster[receiver.bare]?.subscription.from == true { return }
            guard state[receivers][handle.id, default: []].count < limit else { return }
            state[receivers][handle.id, default: []].insert(receiver)
        }
    }

    /// Somebody has become unavailable, and need not be told anything any more (§4.6.1).
    /// - Parameter receiver: who is told so: one session, which alone has left a room maybe, or all of the account.
    static func becameUnavailable(_ sender: JID, to receiver: JID?, _ account: Account) {
        account.withState { state in
            for session in state.sessions where receiver.map({ $0.isBare || $0 == session.handle.jid }) ?? true {
                state[receivers][session.handle.id]?.remove(sender)
            }
        }
    }

    /// Whether somebody was told by the session that is asked for (§4.6.6).
    static func isKnown(_ session: SessionHandle, to other: JID, in state: borrowing AccountState) -> Bool {
        let told = state[receivers][session.id] ?? []
        return told.contains(other) || told.contains(other.bare)
    }

    /// Forgets some of a session's receivers, who are told otherwise.
    static func remove(
        _ session: SessionHandle, in state: inout AccountState, where isMeant: (JID) -> Bool
    ) -> Set<JID> {
        let removed = (state[receivers][session.id] ?? []).filter(isMeant)
        state[receivers][session.id]?.subtract(removed)
        return removed
    }

    /// Whom a session has told, to be kept over a restart of the server.
    static func saved(_ session: SessionHandle, in state: borrowing AccountState) -> [UInt8] {
        Array((state[receivers][session.id] ?? []).map(\.description).joined(separator: "\n").utf8)
    }

    static func restore(_ saved: [UInt8], of session: SessionHandle, in state: inout AccountState) {
        let told = String(decoding: saved, as: UTF8.self).split(separator: "\n").compactMap { try? JID(String($0)) }
        if !told.isEmpty { state[receivers][session.id] = Set(told) }
    }

    /// Forgets a session's receivers, for it is over.
    static func end(_ session: SessionHandle, in state: inout AccountState) -> Set<JID> {
        state[receivers].removeValue(forKey: session.id) ?? []
    }
}
