internal import NIOCore
internal import XMPP

/// A moderator takes back what somebody has said (XEP-0425).
struct RoomModeration: Sendable {
    /// The place in the archive of the room.
    let target: String
    /// Who moderates: a bare JID.
    let person: JID
    let request: Stanza
    let answer: Stanza
    /// `<moderated/>` and the reason.
    let content: ByteBuffer
    let time: DateTime

    enum Finding: Sendable {
        case nothing, message
        /// It was taken back before, by whomever.
        case tombstone
    }

    /// §4
    /// - Parameter stored: as the archive has it.
    /// - Returns: nil for messages that are taken back already.
    func tombstone(of stored: ByteBuffer) -> ByteBuffer? {
        guard let element = try? StanzaParser().parse(stored), element.child("retracted", in: .retraction) == nil else {
            return nil
        }
        return MessageRetraction.tombstone(of: stored, element) { writer in
            writer.element("retracted", in: .retraction, ["stamp": time.description]) { $0.raw(content) }
        }
    }
}

extension Room {
    /// §3: a request of a moderator. Whether there is such a message only the archive knows.
    mutating func moderate(
        _ element: Element, by device: JID, answer: Stanza, at now: DateTime, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        try checkExistence(for: device)
        guard limits.hasArchive else { throw StanzaError(.serviceUnavailable) }
        guard let moderator = occupant(with: device), moderator.role == .moderator else {
            throw StanzaError(.forbidden, "only moderators take back what others have said")
        }
        guard let target = element["id"] else { throw StanzaError(.badRequest, "it is not said which message") }
        guard element.child("retract", in: .retraction) != nil else {
            throw StanzaError(.badRequest, "messages can only be retracted")
        }
        var request = Stanza(.iq, type: .set, from: device, to: answer.from, id: answer.id)
        var writer = XMLWriter()
        writer.copy(element, inside: .client)
        request.content = writer.buffer
        outcome.actions.append(
            .moderate(
                RoomModeration(
                    target: target, person: moderator.person, request: request, answer: answer,
                    content: Self.moderated(by: moderator, element.child("reason")?.text), time: now)))
    }

    private static func moderated(by moderator: Occupant, _ reason: String?) -> ByteBuffer {
        var writer = XMLWriter()
        writer.element("moderated", in: .moderatedRetraction, ["by": moderator.jid.description]) {
            $0.raw(moderator.mark)
        }
        writer.element("reason", text: reason)
        return writer.buffer
    }

    /// The archive has looked for the message, and has put a tombstone in its place.
    mutating func moderated(
        _ moderation: RoomModeration, _ finding: RoomModeration.Finding, at now: DateTime, _ outcome: inout RoomOutcome
    ) {
        switch finding {
        case .nothing:
            let error = StanzaError(.itemNotFound, "there is no such message in the archive")
            if let refusal = moderation.request.bounced(error, by: address) { outcome.send(refusal) }
        case .tombstone: outcome.send(moderation.answer)
        case .message:
            history.retract(moderation.target, by: nil)
            outcome.send(moderation.answer)
            unnamed += 1
            let message = Stanza(
                .message, type: .groupchat, from: address, to: nil, id: "moderation-\(now.milliseconds)-\(unnamed)"
            ) { writer in
                writer.element("retract", in: .retraction, ["id": moderation.target]) { $0.raw(moderation.content) }
            }
            outcome.actions.append(.place(message.parsed, by: moderation.person))
        }
    }
}

extension Namespace {
    /// XEP-0425
    static let moderatedRetraction: Namespace = "urn:xmpp:message-moderate:1"
}
