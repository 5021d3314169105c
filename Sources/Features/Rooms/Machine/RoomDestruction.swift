internal import NIOCore
internal import XMPP

/// Why a room is no more, and where it goes on (XEP-0045 §10.9).
struct RoomDestruction: Sendable, Equatable {
    var venue: String?
    var password: String?
    var reason: String?

    init(reason: String?) { self.reason = reason }

    /// Reads `<destroy/>`.
    init(_ element: Element) {
        venue = element["jid"]
        password = element.child("password")?.text
        reason = element.child("reason")?.text
    }

    var element: ByteBuffer {
        var writer = XMLWriter()
        writer.element("destroy", ["jid": venue]) { writer in
            writer.element("reason", text: reason)
            writer.element("password", text: password)
        }
        return writer.buffer
    }
}

extension Room {
    /// All leave, each hears of it alone: "SHOULD NOT broadcast presence stanzas of type "unavailable" from all
    /// occupants, instead sending only one presence stanza of type "unavailable" to each occupant".
    mutating func destroy(_ destruction: RoomDestruction, _ outcome: inout RoomOutcome) {
        for occupant in allOccupants {
            var presence = RoomPresence(endOf: occupant, .none)
            presence.destruction = destruction.element
            tellOwn(presence, &outcome)
        }
        for device in receivers { remove(device) }
        outcome.changes.destruction = destruction
    }
}
