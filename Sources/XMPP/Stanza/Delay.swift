/// When a stanza was first sent, on one that is delivered later (XEP-0203).
package struct Delay: Sendable {
    /// Who has kept the stanza meanwhile.
    package let from: JID
    package let stamp: DateTime

    package init(from: JID, stamp: DateTime) {
        self.from = from
        self.stamp = stamp
    }

    package func write(into writer: inout XMLWriter) {
        writer.element("delay", in: .delay, ["from": from.description, "stamp": stamp.description])
    }
}

extension Namespace {
    /// XEP-0203
    package static let delay: Namespace = "urn:xmpp:delay"
    /// XEP-0085
    package static let chatStates: Namespace = "http://jabber.org/protocol/chatstates"
    /// XEP-0334
    package static let hints: Namespace = "urn:xmpp:hints"
}
