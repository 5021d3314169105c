internal import XMPP

/// Which messages are copied to the account's other devices (XEP-0280 §6.1, §9).
enum Eligibility {
    /// - Parameter isSent: whether the account has sent the message, rather than received it.
    static func isEligible(_ stanza: Stanza, isSent: Bool) -> Bool {
        guard let content = stanza.element else { return false }
        if content.child("private", in: .carbons) != nil || content.child("no-copy", in: .hints) != nil { return false }
        // What a room says to one occupant is for the device that is in the room (§6.1).
        if !isSent, stanza.to?.isFull == true, let room = content.child("x", in: .roomUser), room.child("invite") == nil {
            return false
        }
        return switch stanza.type {
        case .chat: true
        case .normal: isConversation(content)
        // An error has the content of the message that it answers.
        case .error: isConversation(content)
        default: false
        }
    }

    private static func isConversation(_ content: Element) -> Bool {
        content.children.contains { child in
            child.isNamed("body", in: .client) || child.isIn(.chatStates) || child.isIn(.receipts) || child.isIn(.markers)
                || child.isNamed("x", in: .directInvitation) || child.isNamed("x", in: .roomUser)
        }
    }
}

extension Namespace {
    /// XEP-0184
    static let receipts: Namespace = "urn:xmpp:receipts"
    /// XEP-0333
    static let markers: Namespace = "urn:xmpp:chat-markers:0"
    /// XEP-0249
    static let directInvitation: Namespace = "jabber:x:conference"
    /// XEP-0045
    static let roomUser: Namespace = "http://jabber.org/protocol/muc#user"
}
