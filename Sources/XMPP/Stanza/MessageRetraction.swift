package import NIOCore

/// A message that takes another one back (XEP-0424).
package struct MessageRetraction: Sendable {
    /// The id of the message that is taken back.
    package let target: String
    /// Who has sent both.
    package let sender: JID
    /// The id of the retraction itself.
    private let id: String
    private let stamp: DateTime

    /// Nil for other messages, and for retractions without an id, which no tombstone could name.
    package init?(_ stanza: Stanza, received: DateTime) {
        guard let target = stanza.element?.child("retract", in: .retraction)?["id"], let id = stanza.identifier,
            let sender = stanza.from
        else { return nil }
        self.target = target
        self.id = id
        self.sender = sender.bare
        stamp = received
    }

    /// What is left of a stored message when it was taken back (§4): its attributes, its place and its delay.
    /// - Parameter stored: as this program has written it.
    /// - Returns: nil if it is not the message that the retraction means.
    package func tombstone(of stored: ByteBuffer) -> ByteBuffer? {
        let parser = StanzaParser()
        guard let element = try? parser.parse(stored), element.isNamed("message"), element["id"] == target,
            let from = element["from"].flatMap({ try? JID($0) }), from.hasSameBare(as: sender)
        else { return nil }
        if element.child("retracted", in: .retraction) != nil { return stored }
        return Self.tombstone(of: stored, element) {
            $0.element("retracted", in: .retraction, ["id": id, "stamp": stamp.description])
        }
    }

    /// What is left of a stored message: its attributes, who has sent it, its places and its delay.
    /// - Parameters:
    ///   - element: what is stored, read.
    ///   - retracted: writes what says that it was taken back.
    package static func tombstone(
        of stored: ByteBuffer, _ element: Element, retracted: (inout XMLWriter) -> Void
    ) -> ByteBuffer? {
        // Our own text has no such sign in attributes.
        guard var end = stored.readableBytesView.firstIndex(of: UInt8(ascii: ">")) else { return nil }
        if stored.readableBytesView[end - 1] == UInt8(ascii: "/") { end -= 1 }
        var writer = XMLWriter(into: stored.getSlice(at: stored.readerIndex, length: end - stored.readerIndex) ?? ByteBuffer())
        writer.buffer.writeStaticString(">")
        for child in element.children where child.isIn(.occupantIdentifiers) { writer.copy(child, inside: .client) }
        retracted(&writer)
        for child in element.children where child.isIn(.stanzaIdentifiers) || child.isIn(.delay) {
            writer.copy(child, inside: .client)
        }
        writer.buffer.writeStaticString("</message>")
        return writer.buffer
    }
}

extension Namespace {
    /// XEP-0424
    package static let retraction: Namespace = "urn:xmpp:message-retract:1"
    /// XEP-0421
    package static let occupantIdentifiers: Namespace = "urn:xmpp:occupant-id:0"
}
