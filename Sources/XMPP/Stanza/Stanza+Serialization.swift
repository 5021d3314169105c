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
        buffer.writeStaticString("<")
        buffer.writeStaticString(name)
        if let namespace {
            buffer.writeStaticString(" xmlns='")
            buffer.writeStaticString(namespace.text)
            buffer.writeStaticString("'")
        }
        if let from { buffer.writeAttribute(" from='", from) }
        if let to { buffer.writeAttribute(" to='", to) }
        if let type = type.attribute {
            buffer.writeStaticString(" type='")
            buffer.writeStaticString(type)
            buffer.writeStaticString("'")
        } else if type == .normal, element?.saysNormal == true {
            buffer.writeStaticString(" type='normal'")
        }
        if let element {
            element.writeAttributesOfEnvelope(into: &buffer)
        } else if let id {
            buffer.writeText(" id='", id)
        }
        if let language { buffer.writeText(" xml:lang='", language) }
        buffer.writeStaticString(">")
        let start = buffer.writerIndex
        if let replacement {
            buffer.writeImmutableBuffer(replacement)
        } else if let element {
            if element.document.isContentDefault {
                element.writeRawContent(into: &buffer)
            } else {
                element.writeContent(into: &buffer, inheriting: Namespace.client.description)
            }
        } else if let content {
            buffer.writeImmutableBuffer(content)
        }
        if let appendix, replacement == nil { buffer.writeImmutableBuffer(appendix) }
        if buffer.writerIndex == start {
            buffer.moveWriterIndex(to: start - 1)
            buffer.writeStaticString("/>")
        } else {
            buffer.writeStaticString("</")
            buffer.writeStaticString(name)
            buffer.writeStaticString(">")
        }
    }

    /// The stanza in a buffer of its own.
    package var serialized: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity((element?.size ?? content?.readableBytes ?? 0) + 192)
        write(into: &buffer)
        return buffer
    }
}

extension Element {
    /// Whether the type that also stands for no type was written out.
    fileprivate var saysNormal: Bool {
        withAttribute("type") { $0.elementsEqual("normal".utf8) } ?? false
    }

    /// Writes the attributes that belong to the stanza rather than to its way, and the prefixes its content may use.
    fileprivate func writeAttributesOfEnvelope(into buffer: inout ByteBuffer) {
        for attribute in ownAttributes {
            if let namespace = attribute.namespace {
                writePrefix(of: String(cString: namespace), into: &buffer)
            } else if isOfEnvelope(attribute.name) {
                continue
            } else {
                buffer.writeStaticString(" ")
            }
            writeName(attribute.name, into: &buffer)
            buffer.writeStaticString("='")
            document.text.withUnsafeBytes {
                buffer.writeEscaped(UnsafeRawBufferPointer(rebasing: $0[Int(attribute.start)..<Int(attribute.end)]))
            }
            buffer.writeStaticString("'")
        }
        for declaration in document.outerDeclarations {
            buffer.writeString(" xmlns:\(declaration.prefix)='")
            buffer.writeEscaped(declaration.namespace)
            buffer.writeString("'")
        }
    }

    /// Writes the prefix by which an attribute's namespace is declared on the stanza or on the stream's root.
    private func writePrefix(of namespace: String, into buffer: inout ByteBuffer) {
        if namespace == Namespace.xml.description {
            buffer.writeStaticString(" xml:")
        } else if let declaration = document.outerDeclarations.first(where: { $0.namespace == namespace }) {
            buffer.writeString(" \(declaration.prefix):")
        } else {
            buffer.writeStaticString(" ")
        }
    }

    private func isOfEnvelope(_ name: UnsafePointer<UInt8>) -> Bool {
        switch name[0] {
        case UInt8(ascii: "t"):
            (name[1] == UInt8(ascii: "o") && name[2] == 0)
                || (name[1] == UInt8(ascii: "y") && String(cString: name) == "type")
        case UInt8(ascii: "f"): String(cString: name) == "from"
        default: false
        }
    }

    private func writeName(_ name: UnsafePointer<UInt8>, into buffer: inout ByteBuffer) {
        var count = 0
        while name[count] != 0 { count += 1 }
        buffer.writeBytes(UnsafeRawBufferPointer(start: name, count: count))
    }
}

extension ByteBuffer {
    fileprivate mutating func writeText(_ opening: StaticString, _ value: String) {
        writeStaticString(opening)
        writeEscaped(value)
        writeStaticString("'")
    }

    fileprivate mutating func writeAttribute(_ opening: StaticString, _ address: JID) {
        writeStaticString(opening)
        address.withUTF8 { writeEscaped(UnsafeRawBufferPointer($0)) }
        writeStaticString("'")
    }
}
