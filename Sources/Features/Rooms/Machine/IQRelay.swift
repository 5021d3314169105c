internal import NIOCore
internal import XMPP

/// Requests that occupants send each other, and whose answers come back (XEP-0045 §16.4): neither learns who the other
/// is.
struct IQRelay: Sendable {
    private struct Request: Sendable {
        let asker: JID
        let id: String
        /// Who was asked: a device, or the account.
        let asked: JID
        /// As the asker knows them.
        let name: JID
    }

    private static let limit = 1_000
    private var requests: [Int: Request] = [:]
    private var next = 1

    /// - Returns: the id that the request goes on with.
    mutating func add(_ asker: JID, id: String, asked: JID, named name: JID) -> String {
        requests[next] = Request(asker: asker, id: id, asked: asked, name: name)
        requests[next - Self.limit] = nil
        defer { next += 1 }
        return "relay-\(next)"
    }

    /// - Returns: who has asked whom, and with which id; nil for what nobody has asked.
    mutating func take(_ id: String, from answering: JID) -> (asker: JID, id: String, name: JID)? {
        guard id.hasPrefix("relay-"), let number = Int(id.dropFirst(6)), let request = requests[number],
            request.asked == answering
        else { return nil }
        requests[number] = nil
        return (request.asker, request.id, request.name)
    }
}

extension Room {
    /// An IQ for the address of an occupant.
    mutating func iqForOccupantReceived(_ stanza: Stanza, _ outcome: inout RoomOutcome) throws(StanzaError) {
        guard let device = stanza.from, let id = stanza.identifier else { return }
        if stanza.type == .result || stanza.type == .error { return answered(stanza, id, by: device, &outcome) }
        let payload = stanza.element?.firstChild
        guard let asker = occupant(with: device) else {
            // §6.6; XEP-0410 §3.2
            let isDiscovery = payload.map { $0.isIn(.discoveryInfo) || $0.isIn(.discoveryItems) } ?? false
            throw isDiscovery ? StanzaError(.badRequest) : .notInRoom
        }
        guard let asked = stanza.to.flatMap(occupant(at:)), let other = asked.shown else {
            throw StanzaError(.itemNotFound)
        }
        // XEP-0410 §3.3: the room itself knows that the occupant is there.
        if asked.jid == asker.jid, payload?.isNamed("ping", in: .ping) == true {
            return outcome.send(Stanza(.iq, type: .result, from: stanza.to, to: device, id: id))
        }
        // What an account keeps for others is asked of the account.
        let receiver = payload?.isIn(.vCard) == true ? other.jid.bare : other.jid
        let request = forwarded(
            stanza, from: asker.jid, to: receiver, id: relay.add(device, id: id, asked: receiver, named: asked.jid))
        outcome.send(receiver.isBare ? request.parsed : request)
    }

    private mutating func answered(_ stanza: Stanza, _ id: String, by device: JID, _ outcome: inout RoomOutcome) {
        guard let request = relay.take(id, from: device) else { return }
        outcome.send(forwarded(stanza, from: request.name, to: request.asker, id: request.id))
    }

    private func forwarded(_ stanza: Stanza, from: JID?, to: JID, id: String) -> Stanza {
        Stanza(.iq, type: stanza.type, from: from, to: to, id: id, content: stanza.writeContent)
    }
}

extension Stanza {
    /// The stanza as if it had been received: who answers requests, and who archives messages, reads them.
    var parsed: Stanza {
        let bytes = serialized
        var limits = XMLLimits()
        limits.bytes = max(limits.bytes, bytes.readableBytes)
        guard let element = try? StanzaParser().parse(bytes, limits: limits) else { return self }
        return Stanza(kind: kind, type: type, from: from, to: to, element: element)
    }

    /// Writes what a received stanza contains, with what was added to it and without what was left out.
    func writeContent(into writer: inout XMLWriter) {
        for child in element?.children.filter({ !omits($0) }) ?? [] { writer.copy(child, inside: .client) }
        if let content { writer.raw(content) }
        if let appendix { writer.raw(appendix) }
    }
}
