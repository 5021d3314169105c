internal import XMPP

/// What is answered in the name of a room that there is not.
enum AbsentRoom {
    enum Answer {
        /// The room is to be made, and the stanza handed to it (XEP-0045 §7.2.11).
        case create
        case refuse(StanzaError)
        case send(Stanza)
        case nothing
    }

    /// - Parameter former: the room that there was, if its address is not to be used again yet.
    static func received(_ stanza: Stanza, former: FormerRoom?) -> Answer {
        switch (stanza.kind, stanza.type) {
        case (.presence, .available):
            let isEntry = stanza.element?.child("x", in: .rooms) != nil
            guard stanza.to?.isFull == true else { return .refuse(StanzaError(.jidMalformed)) }
            guard isEntry else { return .send(Room.notThere(stanza)) }
            return former.map { .refuse($0.refusal) } ?? .create
        case (.presence, _), (_, .error), (.iq, .result): return .nothing
        case (.iq, .set) where isOrder(stanza): return .create
        case (.iq, _) where stanza.to?.isFull == true:
            let isDiscovery = stanza.element?.firstChild.map { $0.isIn(.discoveryInfo) || $0.isIn(.discoveryItems) } ?? false
            return .refuse(isDiscovery ? StanzaError(.badRequest) : .notInRoom)
        // §16.2: "If a MUC service receives a message directed to a room that does not exist or is not yet unlocked".
        case (.message, _), (.iq, _): return .refuse(former?.refusal ?? StanzaError(.itemNotFound))
        }
    }

    /// Whether the administrator wants the room to be there.
    private static func isOrder(_ stanza: Stanza) -> Bool {
        guard let from = stanza.from, let to = stanza.to, from.local == nil, from.hasSameDomain(as: to) else { return false }
        return stanza.element?.child("query", in: .roomOwner)?.child("create") != nil
    }
}
