/// The name of an XML namespace known to the program; a feature adds its own in its own file.
package struct Namespace: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The namespace name, NUL-terminated.
    package let text: StaticString

    package init(_ text: StaticString) { self.text = text }
    package init(stringLiteral text: StaticString) { self.text = text }

    package var description: String { text.description }

    package static func == (left: Namespace, right: Namespace) -> Bool {
        left.text.utf8CodeUnitCount == right.text.utf8CodeUnitCount
            && left.text.withUTF8Buffer { left in right.text.withUTF8Buffer { left.elementsEqual($0) } }
    }

    package static func == (left: String, right: Namespace) -> Bool {
        right.text.withUTF8Buffer { left.utf8.elementsEqual($0) }
    }

    package func hash(into hasher: inout Hasher) {
        text.withUTF8Buffer { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension Namespace {
    /// RFC 6120 §4.8.3
    package static let client: Namespace = "jabber:client"
    /// RFC 6120 §4.8.3
    package static let server: Namespace = "jabber:server"
    /// RFC 6120 §4.8.1
    package static let streams: Namespace = "http://etherx.jabber.org/streams"
    /// RFC 6120 §4.9.2
    package static let streamErrors: Namespace = "urn:ietf:params:xml:ns:xmpp-streams"
    /// RFC 6120 §8.3.2
    package static let stanzaErrors: Namespace = "urn:ietf:params:xml:ns:xmpp-stanzas"
    /// The namespace of `xml:lang`, bound to the prefix `xml` by definition.
    package static let xml: Namespace = "http://www.w3.org/XML/1998/namespace"
}
