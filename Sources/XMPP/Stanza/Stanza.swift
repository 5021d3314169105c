package import NIOCore

/// A message, presence or IQ on its way: an envelope that may be readdressed, and untouched content
/// (RFC 6120 §8).
package struct Stanza: Sendable {
    package enum Kind: UInt8, Sendable {
        case message, presence, iq
    }

    package let kind: Kind
    package var type: StanzaType
    package var from: JID?
    package var to: JID?
    /// The stanza as it was received: its attributes but `from`, `to` and `type`, and its content, are passed on.
    /// Nil for a stanza that the server made itself.
    package let element: Element?
    /// The language of what is for people in it, where `element` does not say (RFC 6120 §8.1.5).
    package var language: String?
    private var additions: Additions?

    /// What received stanzas mostly do not have, in one place, so that they are cheap to hand on.
    private final class Additions: Sendable {
        struct Parts {
            var id: String?
            var content: ByteBuffer?
            var appendix: ByteBuffer?
            var sent: DateTime?
            var omitted: [Element] = []
            var placement: Placement?
        }

        let parts: Parts
        init(_ parts: Parts) { self.parts = parts }
    }

    private var parts: Additions.Parts {
        get { additions?.parts ?? Additions.Parts() }
        set { additions = Additions(newValue) }
    }

    /// Of a stanza without `element`, or of one that had none when it was received.
    package var id: String? {
        get { additions?.parts.id }
        set { parts.id = newValue }
    }
    /// Of a stanza without `element`.
    package var content: ByteBuffer? {
        get { additions?.parts.content }
        set { parts.content = newValue }
    }
    /// Elements added behind the content, such as the error of a bounced stanza or a delay stamp.
    package var appendix: ByteBuffer? {
        get { additions?.parts.appendix }
        set { parts.appendix = newValue }
    }
    /// When the stanza was sent, if it could not be delivered then and is delivered later; `delay(by:)` says so in it.
    package private(set) var sent: DateTime? {
        get { additions?.parts.sent }
        set { parts.sent = newValue }
    }

    /// Children of `element` that are not passed on.
    package private(set) var omitted: [Element] {
        get { additions?.parts.omitted ?? [] }
        set { parts.omitted = newValue }
    }
    /// Its place in the archive of the account whose hooks have seen it last, if it has one.
    package var placement: Placement? {
        get { additions?.parts.placement }
        set { parts.placement = newValue }
    }

    /// A received stanza, addressed as the receiver of the stream has found right.
    package init(kind: Kind, type: StanzaType, from: JID?, to: JID?, element: Element) {
        self.kind = kind
        self.type = type
        self.from = from
        self.to = to
        self.element = element
    }

    /// A stanza of the server's own.
    package init(
        _ kind: Kind, type: StanzaType, from: JID?, to: JID?, id: String? = nil,
        content: ((inout XMLWriter) -> Void)? = nil
    ) {
        self.kind = kind
        self.type = type
        self.from = from
        self.to = to
        element = nil
        guard id != nil || content != nil else { return }
        var parts = Additions.Parts(id: id)
        if let content {
            var writer = XMLWriter()
            content(&writer)
            parts.content = writer.buffer
        }
        additions = Additions(parts)
    }

    /// Says in the stanza when it was sent, unless it says so already (XEP-0203).
    /// - Parameter keeper: who has kept it meanwhile.
    package mutating func delay(since sent: DateTime, by keeper: JID) {
        guard self.sent == nil else { return }
        self.sent = sent
        let isSaid = element?.children.contains {
            $0.isNamed("delay", in: .delay) && $0["from"] == keeper.description
        }
        guard isSaid != true else { return }
        var writer = XMLWriter(into: appendix ?? ByteBuffer())
        Delay(from: keeper, stamp: sent).write(into: &writer)
        appendix = writer.buffer
    }

    /// Leaves a child of `element` out from now on.
    package mutating func omit(_ child: Element) { omitted.append(child) }

    package func omits(_ child: Element) -> Bool { omitted.contains { $0.index == child.index } }

    /// Says in the stanza what its place in the archive of its receiver is.
    package mutating func place(at placement: Placement) {
        var parts = parts
        var writer = XMLWriter(into: parts.appendix ?? ByteBuffer())
        placement.write(into: &writer)
        parts.appendix = writer.buffer
        parts.placement = placement
        self.parts = parts
    }

    /// The id attribute, whoever made the stanza.
    package var identifier: String? { element?["id"] ?? id }

    /// The answer that refuses this stanza: addresses exchanged, content kept if the error wants it, error added (RFC 6120 §8.3.1).
    /// Nil for stanzas that must not be answered so: errors, and results of IQs.
    package func bounced(_ error: StanzaError, by: JID? = nil) -> Stanza? {
        guard type != .error, type != .result else { return nil }
        let id = identifier
        // The answer to an IQ has an id in any case: an empty one where there was none.
        let lacksID = kind == .iq && id == nil
        var bounced =
            error.returnsStanza && !lacksID ? self : Stanza(kind, type: type, from: from, to: to, id: lacksID ? "" : id)
        bounced.type = .error
        bounced.from = to
        bounced.to = from
        var writer = XMLWriter()
        error.write(into: &writer, by: by?.description)
        bounced.appendix = writer.buffer
        return bounced
    }
}
