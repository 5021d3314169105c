internal import XMPP

extension Room {
    /// A stanza for the room or for one of its occupants has arrived.
    /// - Returns: what is to be done; a refusal is among it.
    mutating func received(_ stanza: Stanza, at now: DateTime) -> RoomOutcome {
        activity.advance(to: now)
        do throws(StanzaError) {
            var outcome = RoomOutcome()
            guard !Self.isOrdinary(stanza) else {
                try take(stanza, at: now, &outcome)
                return outcome
            }
            // What is refused in the middle has not happened.
            var changed = self
            try changed.take(stanza, at: now, &outcome)
            self = changed
            return outcome
        } catch {
            var outcome = RoomOutcome()
            if let refusal = stanza.bounced(error, by: address) { outcome.send(refusal) }
            return outcome
        }
    }

    /// What is ordinary is refused before it has changed anything.
    private mutating func take(_ stanza: Stanza, at now: DateTime, _ outcome: inout RoomOutcome) throws(StanzaError) {
        switch stanza.kind {
        case .presence: try presenceReceived(stanza, at: now, &outcome)
        case .message: try messageReceived(stanza, at: now, &outcome)
        case .iq: try iqReceived(stanza, at: now, &outcome)
        }
    }

    /// Whether a stanza can change nothing of what is stored.
    static func isOrdinary(_ stanza: Stanza) -> Bool {
        switch stanza.kind {
        // A password may be a token, with which one becomes a member.
        case .presence: stanza.element?.child("x", in: .rooms)?.child("password") == nil
        case .message: stanza.type == .groupchat ? !RoomSubject.isChange(stanza) : stanza.to?.isFull == true
        case .iq: stanza.type != .set || stanza.to?.isFull == true
        }
    }

    private mutating func presenceReceived(
        _ stanza: Stanza, at now: DateTime, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        guard let device = stanza.from else { return }
        switch stanza.type {
        case .available:
            let isEntry = stanza.element?.child("x", in: .rooms) != nil
            guard let text = stanza.to?.resource else {
                // §7.2.1: "If the user does not specify a room nickname".
                throw StanzaError(.jidMalformed)
            }
            let nickname = try Nickname(text)
            if let occupant = occupant(with: device) {
                let isRenamed = occupant.nickname != nickname
                if isRenamed { try changeNickname(of: occupant, to: nickname, &outcome) }
                presenceChanged(stanza, device, isEntry: isEntry, isRenamed: isRenamed, at: now, &outcome)
            } else if isEntry {
                try enter(stanza, nickname, at: now, &outcome)
            } else {
                outcome.send(Self.notThere(stanza))
            }
        case .unavailable: leave(stanza, &outcome)
        case .error: if Self.meansGone(stanza) { vanished([device], &outcome) }
        case .probe: probed(stanza, by: device, &outcome)
        // §16.3: nothing else is a request to enter or to leave.
        case .subscribe, .subscribed, .unsubscribe, .unsubscribed: break
        case .normal, .chat, .groupchat, .headline, .get, .set, .result: break
        }
    }

    /// §16.3: an occupant's server wants to know how another occupant is.
    private func probed(_ stanza: Stanza, by device: JID, _ outcome: inout RoomOutcome) {
        guard let asker = occupant(with: device), let other = stanza.to.flatMap(occupant(at:)), other.jid != asker.jid,
            configuration.presenceBroadcast.shows(other.role)
        else { return }
        outcome.send(introduction(of: other, to: device, asker.role))
    }

    /// §7.2.16: who changes their presence in a room that they are not in, believing they are, is told so.
    static func notThere(_ stanza: Stanza) -> Stanza {
        Stanza(.presence, type: .unavailable, from: stanza.to, to: stanza.from) { writer in
            writer.element("x", in: .roomUser) { writer in
                writer.element("item", ["affiliation": "none", "role": "none"]) {
                    $0.element("reason", text: "You are not in the room.")
                }
                RoomPresence.write([110, 307, 333], into: &writer)
            }
        }
    }

    /// §17.1.2: errors that say that who was written to is not there any more.
    static func meansGone(_ stanza: Stanza) -> Bool {
        guard let error = stanza.element?.child("error") else { return false }
        let conditions: [StaticString] = [
            "gone", "item-not-found", "recipient-unavailable", "redirect", "remote-server-not-found",
            "remote-server-timeout",
        ]
        return conditions.contains { error.child($0, in: .stanzaErrors) != nil }
    }
}
