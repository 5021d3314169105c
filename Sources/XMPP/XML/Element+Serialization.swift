package import NIOCore

extension Element {
    /// Writes what is between the start and the end tag as it was received.
    ///
    /// The bytes mean the same wherever the surrounding default namespace is the element's own and
    /// `outerDeclarations` are in force. For top-level elements.
    func writeRawContent(into pieces: inout Pieces) {
        let node = node
        document.source.withUnsafeReadableBytes { source in
            pieces.write(UnsafeRawBufferPointer(rebasing: source[Int(node.contentStart)..<Int(node.contentEnd)]))
        }
    }

    /// Whether there is anything between the start and the end tag.
    var hasRawContent: Bool {
        let node = node
        return node.contentEnd > node.contentStart
    }

    /// Writes the element so that it means the same inside any element whose default namespace is `inherited`.
    package func write(into buffer: inout ByteBuffer, inheriting inherited: String) {
        writeElement(at: index, inheriting: inherited, into: &buffer)
    }

    /// Writes the children and text so that they mean the same inside an element whose default namespace is
    /// `inherited`.
    package func writeContent(into buffer: inout ByteBuffer, inheriting inherited: String) {
        writeContent(of: index, inheriting: inherited, into: &buffer)
    }

    /// Writes the children and text like `writeContent(into:inheriting:)`, without some of the children.
    func writeContent(into buffer: inout ByteBuffer, inheriting inherited: String, omitting omitted: [Element]) {
        writeContent(of: index, inheriting: inherited, omitting: omitted.map(\.index), into: &buffer)
    }

    /// The element as text of its own, every namespace declared.
    package var serialized: String {
        var buffer = ByteBuffer()
        write(into: &buffer, inheriting: "")
        return String(buffer: buffer)
    }

    private func writeContent(
        of parent: Int, inheriting inherited: String, omitting omitted: [Int] = [], into buffer: inout ByteBuffer
    ) {
        var position = parent + 1
        let end = Int(document.nodes[parent].next)
        while position < end {
            let node = document.nodes[position]
            if node.name == nil {
                document.text.withUnsafeBytes {
                    buffer.writeEscaped(UnsafeRawBufferPointer(rebasing: $0[Int(node.start)..<Int(node.end)]))
                }
            } else if !omitted.contains(position) {
                writeElement(at: position, inheriting: inherited, into: &buffer)
            }
            position = Int(node.next)
        }
    }

    private func writeElement(at position: Int, inheriting inherited: String, into buffer: inout ByteBuffer) {
        let element = Element(document: document, index: position)
        let name = element.name
        let namespace = element.namespace
        buffer.writeString("<")
        buffer.writeString(name)
        if namespace != inherited {
            buffer.writeString(" xmlns='")
            buffer.writeEscaped(namespace)
            buffer.writeString("'")
        }
        for (count, attribute) in element.attributes.enumerated() {
            var prefix = ""
            if let namespace = attribute.namespace {
                prefix = namespace == Namespace.xml.description ? "xml:" : "a\(count):"
                if prefix != "xml:" {
                    buffer.writeString(" xmlns:a\(count)='")
                    buffer.writeEscaped(namespace)
                    buffer.writeString("'")
                }
            }
            buffer.writeString(" \(prefix)\(attribute.name)='")
            buffer.writeEscaped(attribute.value)
            buffer.writeString("'")
        }
        if element.isEmpty {
            buffer.writeString("/>")
            return
        }
        buffer.writeString(">")
        writeContent(of: position, inheriting: namespace, into: &buffer)
        buffer.writeString("</\(name)>")
    }
}
