internal import XMPP

extension Stanza {
    /// What the stanza is worth to a client that nobody looks at.
    var importance: Importance {
        switch (kind, type) {
        case (.presence, .available), (.presence, .unavailable):
            if let from { .presence(from: from) } else { .needed }
        case (.message, .normal), (.message, .chat), (.message, .groupchat):
            isOnlyChatState ? .chatState : .needed
        case (.message, _), (.presence, _), (.iq, _):
            .needed
        }
    }

    private var isOnlyChatState: Bool {
        guard let element, !element.hasChild("body", in: .client) else { return false }
        guard appendix == nil || element.child(in: .chatStates) != nil else { return false }
        var hasState = false
        for child in element.children {
            if child.isIn(.chatStates) {
                hasState = true
            } else if !child.isIn(.hints) && !child.isNamed("thread", in: .client) {
                return false
            }
        }
        // To be kept is to be known to everybody.
        return hasState && element.child("store", in: .hints) == nil
    }
}
