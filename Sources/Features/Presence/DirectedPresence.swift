internal import Server
internal import XMPP

/// Whom a session has told of its presence besides those who are subscribed (RFC 6121 §4.6).
enum DirectedPresence {
    /// Who is to be told when the session becomes unavailable.
    static let receivers = SessionSlot<Set<JID>>([])

    /// More receivers than a client could mean; one that sends to more is told nothing wrong, only not remembered.
    private static let limit = 10_000

    static func note(_ type: StanzaType, to receiver: JID, from session: Session) {
        if type == .unavailable {
            session[receivers].remove(receiver)
            return
        }
        // §4.6.3: contacts that are subscribed are told anyway.
        guard !session.account.isSubscribed(by: receiver.bare), session[receivers].count < limit else { return }
        session[receivers].insert(receiver)
    }
}
