package import NIOCore

/// Writes XML that the program makes itself, straight into a buffer.
///
///     xml.element("query", in: .roster, ["ver": version]) {
///         $0.element("item", ["jid": "juliet@example.test"]) { $0.element("group", text: "Friends") }
///     }
package struct XMLWriter {
    package var buffer: ByteBuffer

    package init(into buffer: ByteBuffer = ByteBuffer()) {
        self.buffer = buffer
    }

    /// Writes an element; attributes whose value is nil are left out.
    /// - Parameter namespace: declared as the default namespace; nil where it is the parent's.
    package mutating func element(
        _ name: StaticString, in namespace: Namespace? = nil, _ attributes: KeyValuePairs<StaticString, String?> = [:],
        _ content: (inout XMLWriter) throws -> Void
    ) rethrows {
        openTag(name, namespace, attributes)
        let start = buffer.writerIndex
        buffer.write(">")
        try content(&self)
        if buffer.writerIndex == start + 1 {
            buffer.moveWriterIndex(to: start)
            buffer.write("/>")
        } else {
            buffer.write("</")
            buffer.write(name)
            buffer.write(">")
        }
    }

    /// Writes an element without content.
    package mutating func element(
        _ name: StaticString, in namespace: Namespace? = nil, _ attributes: KeyValuePairs<StaticString, String?> = [:]
    ) {
        openTag(name, namespace, attributes)
        buffer.write("/>")
    }

    /// Writes an element that contains text only; none at all if the text is nil.
    package mutating func element(
        _ name: StaticString, in namespace: Namespace? = nil, _ attributes: KeyValuePairs<StaticString, String?> = [:],
        text: String?
    ) {
        guard let text else { return }
        element(name, in: namespace, attributes) { $0.text(text) }
    }

    /// Writes character data.
    package mutating func text(_ text: String) { buffer.writeEscaped(text) }

    /// Writes markup that is known to be well-formed.
    package mutating func raw(_ markup: ByteBuffer) { buffer.writeImmutableBuffer(markup) }

    /// Writes a received element so that it keeps its meaning.
    /// - Parameter inherited: the default namespace at this place.
    package mutating func copy(_ element: Element, inside inherited: Namespace) {
        element.write(into: &buffer, inheriting: inherited.description)
    }

    /// Writes an attribute into a start tag that is still open.
    package mutating func attribute(_ name: StaticString, _ value: String?) {
        guard let value else { return }
        buffer.write(" ")
        buffer.write(name)
        buffer.write("='")
        buffer.writeEscaped(value)
        buffer.write("'")
    }

    private mutating func openTag(
        _ name: StaticString, _ namespace: Namespace?, _ attributes: KeyValuePairs<StaticString, String?>
    ) {
        buffer.write("<")
        buffer.write(name)
        if let namespace {
            buffer.write(" xmlns='")
            buffer.write(namespace.text)
            buffer.write("'")
        }
        for (name, value) in attributes { attribute(name, value) }
    }
}
