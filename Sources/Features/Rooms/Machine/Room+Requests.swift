internal import NIOCore
internal import XMPP

extension Room {
    /// An IQ for the room or for an occupant.
    mutating func iqReceived(_ stanza: Stanza, at now: DateTime, _ outcome: inout RoomOutcome) throws(StanzaError) {
        if stanza.to?.isFull == true { return try iqForOccupantReceived(stanza, &outcome) }
        guard let device = stanza.from, let payload = stanza.element?.firstChild,
            stanza.type == .get || stanza.type == .set
        else { return }
        var answer = Stanza(.iq, type: .result, from: stanza.to, to: device, id: stanza.identifier)
        if stanza.type == .set { return try change(payload, by: device, answer: answer, at: now, &outcome) }
        answer.content = try answerContent(payload, to: device, at: now)
        outcome.send(answer)
    }

    private mutating func change(
        _ payload: Element, by device: JID, answer: Stanza, at now: DateTime, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        if payload.isNamed("query", in: .roomAdmin) {
            try administer(payload, by: device, answer: answer, &outcome)
        } else if payload.isNamed("query", in: .roomOwner) {
            try own(payload, by: device, answer: answer, &outcome)
        } else if payload.isNamed("query", in: .registration) {
            try register(device.bare, payload, answer: answer, &outcome)
        } else if payload.isNamed("moderate", in: .moderatedRetraction) {
            try moderate(payload, by: device, answer: answer, at: now, &outcome)
        } else if payload.isNamed("command", in: .commands) {
            try command(payload, by: device, answer: answer, at: now, &outcome)
        } else if payload.isNamed("vCard", in: .vCard) {
            try setCard(payload, by: device, answer: answer, &outcome)
        } else if payload.isNamed("request", in: .invitationTokens) {
            try requestToken(payload, by: device, answer: answer, at: now, &outcome)
        } else if payload.isNamed("revoke", in: .invitationTokens) {
            try revokeToken(payload, by: device, answer: answer, at: now, &outcome)
        } else {
            throw StanzaError(.serviceUnavailable)
        }
    }

    private func answerContent(_ payload: Element, to device: JID, at now: DateTime) throws(StanzaError) -> ByteBuffer {
        if payload.isNamed("query", in: .discoveryInfo) { return try information(payload["node"], for: device, at: now) }
        if payload.isNamed("query", in: .discoveryItems) { return try items(payload["node"], for: device) }
        if payload.isNamed("query", in: .roomAdmin) { return try list(payload, for: device) }
        if payload.isNamed("query", in: .roomOwner) { return try configurationForm(for: device) }
        if payload.isNamed("query", in: .registration) { return try registrationForm(for: device.bare) }
        if payload.isNamed("vCard", in: .vCard) { return try card(for: device) }
        if payload.isNamed("tokens", in: .invitationTokens) { return try tokens(for: device, at: now) }
        if payload.isNamed("ping", in: .ping) { return ByteBuffer() }
        throw StanzaError(.serviceUnavailable)
    }
}
