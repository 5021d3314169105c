internal import NIOCore
internal import XMPP

/// Somebody takes back in a room what they have said (XEP-0424).
struct RoomRetraction: Sendable {
    /// The place of what is taken back in the archive of the room: "the XEP-0359 stanza ID that was assigned by the group
    /// chat" (§5.1).
    let target: String
    /// Whose it has to be. §5: "MUST check that a message retraction was sent by the author of the retracted message by
    /// checking the occupant id".
    let author: String
    /// What is left of it.
    let retracted: ByteBuffer

    /// - Parameter stored: as the archive has it.
    /// - Returns: nil for messages of somebody else, and for those that are taken back already.
    func tombstone(of stored: ByteBuffer) -> ByteBuffer? {
        guard let element = try? StanzaParser().parse(stored),
            element.child("occupant-id", in: .occupantIdentifiers)?["id"] == author,
            element.child("retracted", in: .retraction) == nil
        else { return nil }
        return MessageRetraction.tombstone(of: stored, element) { $0.raw(retracted) }
    }
}

extension Room {
    /// What rooms with an archive can do.
    static let retractionFeatures = [
        "urn:xmpp:message-moderate:1", "urn:xmpp:message-retract:1", "urn:xmpp:message-retract:1#tombstone",
    ]

    /// A message was said, which may take another one back.
    mutating func retract(_ message: Stanza, by author: String, at now: DateTime, _ outcome: inout RoomOutcome) {
        guard limits.hasArchive, let target = message.element?.child("retract", in: .retraction)?["id"],
            let id = message.identifier
        else { return }
        history.retract(target, by: author)
        var writer = XMLWriter()
        writer.element("retracted", in: .retraction, ["id": id, "stamp": now.description])
        outcome.actions.append(.retract(RoomRetraction(target: target, author: author, retracted: writer.buffer)))
    }
}
