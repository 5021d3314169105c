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
        if stanza.type == .set { return try change(payload, by: device, answer: answer, &outcome) }
        answer.content = try answerContent(payload, to: device)
        outcome.send(answer)
    }

    private mutating func change(
        _ payload: Element, by device: JID, answer: Stanza, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        if payload.isNamed("query", in: .roomAdmin) {
            try administer(payload, by: device, answer: answer, &outcome)
        } else if payload.isNamed("query", in: .roomOwner) {
            try own(payload, by: device, answer: answer, &outcome)
        } else if payload.isNamed("query", in: .registration) {
            try register(device.bare, payload, answer: answer, &outcome)
        } else {
            throw StanzaError(.serviceUnavailable)
        }
    }

    private func answerContent(_ payload: Element, to device: JID) throws(StanzaError) -> ByteBuffer {
        if payload.isNamed("query", in: .discoveryInfo) { return try information(payload["node"], for: device) }
        if payload.isNamed("query", in: .discoveryItems) { return try items(payload["node"], for: device) }
        if payload.isNamed("query", in: .roomAdmin) { return try list(payload, for: device) }
        if payload.isNamed("query", in: .roomOwner) { return try configurationForm(for: device) }
        if payload.isNamed("query", in: .registration) { return try registrationForm(for: device.bare) }
        if payload.isNamed("ping", in: .ping) { return ByteBuffer() }
        throw StanzaError(.serviceUnavailable)
    }
}
