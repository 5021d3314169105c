internal import XMPP

/// What of a message is worth waking a device for, and whom it may wake (XEP-0357 §6).
struct PushedMessage: Sendable {
    let sender: JID?
    /// Empty where the message is encrypted or has no text.
    let body: String
    /// The only device that it concerns; nil for all of the account.
    let device: JID?
    let isGroupchat: Bool
    /// Whether nothing is left of it for a device that is not connected (XEP-0334 §4.2).
    let isTransient: Bool

    /// Nil for what nobody is woken for: what has nothing to read or to answer, and what the account itself has sent.
    /// - Parameter element: the message as its receiver reads it.
    init?(_ stanza: Stanza, _ element: Element?, to account: JID) {
        guard stanza.kind == .message, let element else { return nil }
        switch stanza.type {
        case .normal, .chat, .groupchat: break
        default: return nil
        }
        if let from = stanza.from, from.hasSameBare(as: account) { return nil }
        self.init(element, sender: stanza.from, to: stanza.to, isGroupchat: stanza.type == .groupchat)
    }

    /// A message that a client was sent and has not acknowledged: as it is, or as a copy for its device (XEP-0280).
    init?(unacknowledged stanza: Stanza, by account: JID) {
        guard let element = stanza.element else { return nil }
        guard let copy = element.child("received", in: .carbons) else {
            // Copies of what another device has sent, and results of the archive.
            guard !element.children.contains(where: { $0.isIn(.carbons) || $0.isIn(.archive) }) else { return nil }
            self.init(stanza, element, to: account)
            return
        }
        guard let message = copy.child("forwarded", in: .forwarding)?.child("message", in: .client) else { return nil }
        self.init(message, sender: message["from"].flatMap { try? JID($0) }, to: nil, isGroupchat: false)
    }

    private init?(_ element: Element, sender: JID?, to: JID?, isGroupchat: Bool) {
        var body = ""
        var isWorthIt = false
        var isPrivate = isGroupchat
        var hints: Hints = []
        for child in element.children {
            hints.formUnion(Hints(child))
            if child.isNamed("body", in: .client) {
                if body.isEmpty { body = String(child.text.prefix(Self.bodyLimit)) }
                if !body.isEmpty { isWorthIt = true }
            } else if Self.isWorthWaking(child) {
                isWorthIt = true
            } else if child.isNamed("private", in: .carbons) {
                isPrivate = true
            }
        }
        guard isWorthIt else { return nil }
        self.sender = sender
        self.body = body
        self.isGroupchat = isGroupchat
        device = (isPrivate || hints.contains(.noCopy)) && to?.isFull == true ? to : nil
        isTransient = hints.contains(.noStore)
    }

    /// Push services take a few thousand bytes; nobody reads more on a locked screen.
    private static let bodyLimit = 500

    /// Encrypted messages, invitations and calls.
    private static func isWorthWaking(_ child: Element) -> Bool {
        child.isNamed("encrypted", in: .omemo) || child.isNamed("encrypted", in: .olderOMEMO)
            || child.isNamed("encryption", in: .encryptionName) || child.isNamed("openpgp", in: "urn:xmpp:openpgp:0")
            || child.isNamed("x", in: "jabber:x:encrypted") || child.isNamed("x", in: .directInvitation)
            || child.isNamed("x", in: .roomUser) && child.child("invite") != nil
            || child.isNamed("propose", in: "urn:xmpp:jingle-message:0")
    }
}
