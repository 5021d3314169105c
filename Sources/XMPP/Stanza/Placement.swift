/// The place of a stanza in somebody's archive, as it is told to its owner (XEP-0359 §3).
package final class Placement: Sendable {
    /// Whose archive it is: a bare address.
    package let owner: JID
    /// The name of the place.
    package let id: String
    /// When the stanza was archived.
    package let received: DateTime
    /// What the archive has kept of the stanza, for the archive of the other party.
    package let copy: any AnyObject & Sendable

    package init(owner: JID, id: String, received: DateTime, copy: any AnyObject & Sendable) {
        self.owner = owner
        self.id = id
        self.received = received
        self.copy = copy
    }

    /// Writes `<stanza-id/>`.
    package func write(into writer: inout XMLWriter) {
        writer.element("stanza-id", in: .stanzaIdentifiers, ["by": owner.description, "id": id])
    }
}

extension Namespace {
    /// XEP-0359
    package static let stanzaIdentifiers: Namespace = "urn:xmpp:sid:0"
}
