package import NIOCore

extension Stanza {
    /// Writes the stanza as it stands in a stream whose default namespace is `jabber:client`.
    ///
    /// Received content is copied byte for byte where it means the same there, which it nearly always does.
    package func write(into buffer: inout ByteBuffer) {
        write(into: &buffer, declaring: nil)
    }

    /// Writes the stanza as it stands inside another element, such as that of XEP-0297.
    package func writeForwarded(into buffer: inout ByteBuffer) {
        write(into: &buffer, declaring: .client)
    }

    /// The stanza with other content in the place of its own, in a buffer.
    /// - Parameter content: as it stands in a stream whose default namespace is `jabber:client`.
    package func serialized(with content: ByteBuffer) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(into: &buffer, declaring: nil, replacement: content)
        return buffer
    }

    private func write(into buffer: inout ByteBuffer, declaring namespace: Namespace?, replacement: ByteBuffer? = nil) {
        let name: StaticString =
            switch kind {
            case .message: "message"
            case .presence: "presence"
            case .iq: "iq"
            }
        buffer.writePieces { pieces in
            pieces.write("<")
            pieces.write(name)
            if let namespace { pieces.write(" xmlns='", plain: namespace.text) }
            if let from { pieces.write(" from='", from) }
            if let to { pieces.write(" to='", to) }
            if let type = type.attribute {
                pieces.write(" type='", plain: type)
            } else if type == .normal, element?.saysNormal == true {
                pieces.write(" type='normal'")
            }
            if let element {
                element.writeAttributesOfEnvelope(into: &pieces)
                if let id, !element.hasAttribute("id") { pieces.write(" id='", id) }
            } else if let id {
                pieces.write(" id='", id)
            }
            if let language { pieces.write(" xml:lang='", language) }
            guard replacement.map({ $0.readableBytes > 0 }) ?? hasContent else { return pieces.write("/>") }
            pieces.write(">")
            if let replacement {
                pieces.write(replacement)
            } else if let element {
                let omitted = omitted
                if !omitted.isEmpty {
                    pieces.writeOthers {
                        element.writeContent(
                            into: &$0, inheriting: Namespace.client.description, omitting: omitted)
                    }
                } else if element.document.isContentDefault {
                    element.writeRawContent(into: &pieces)
                } else {
                    pieces.writeOthers { element.writeContent(into: &$0, inheriting: Namespace.client.description) }
                }
            } else if let content {
                pieces.write(content)
            }
            if let appendix, replacement == nil { pieces.write(appendix) }
            pieces.write("</")
            pieces.write(name)
            pieces.write(">")
        }
    }

    private var hasContent: Bool {
        let isContentEmpty = element.map { !$0.hasRawContent } ?? ((content?.readableBytes ?? 0) == 0)
        return !isContentEmpty || (appendix?.readableBytes ?? 0) > 0
    }

    /// The stanza in a buffer of its own.
    package var serialized: ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: (element?.size ?? content?.readableBytes ?? 0) + 192)
        write(into: &buffer)
        return buffer
    }
}

extension Element {
    /// Whether the type that also stands for no type was written out.
    fileprivate var saysNormal: Bool {
        withAttribute("type") { $0.hasSameBytes(as: "normal") } ?? false
    }

    /// Writes the attributes that belong to the stanza rather than to its way, and the prefixes its content may use.
    fileprivate func writeAttributesOfEnvelope(into pieces: inout Pieces) {
        let node = node
        document.text.withUnsafeBytes { text in
            for index in Int(node.attributes)..<Int(node.attributes) + Int(node.attributeCount) {
                let attribute = document.attributes[index]
                if let namespace = attribute.namespace {
                    writePrefix(of: String(cString: namespace), into: &pieces)
                } else if isOfEnvelope(attribute.name) {
                    continue
                } else {
                    pieces.write(" ")
                }
                pieces.write(bytes(attribute.name))
                pieces.write("='")
                pieces.writeEscaped(UnsafeRawBufferPointer(rebasing: text[Int(attribute.start)..<Int(attribute.end)]))
                pieces.write("'")
            }
        }
        for declaration in document.outerDeclarations {
            pieces.write(" xmlns:")
            pieces.writeEscaped(declaration.prefix)
            pieces.write("='", declaration.namespace)
        }
    }

    /// Writes the prefix by which an attribute's namespace is declared on the stanza or on the stream's root.
    private func writePrefix(of namespace: String, into pieces: inout Pieces) {
        if namespace == Namespace.xml.description {
            pieces.write(" xml:")
        } else if let declaration = document.outerDeclarations.first(where: { $0.namespace == namespace }) {
            pieces.write(" ")
            pieces.writeEscaped(declaration.prefix)
            pieces.write(":")
        } else {
            pieces.write(" ")
        }
    }

    private func isOfEnvelope(_ name: UnsafePointer<UInt8>) -> Bool {
        equal(name, "to") || equal(name, "type") || equal(name, "from")
    }
}
