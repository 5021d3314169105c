internal import CLibXML2
package import NIOCore

/// The opening tag of a stream (RFC 6120 §4.7, §4.8).
package struct StreamHeader: Sendable, Equatable {
    package var to: String?
    package var from: String?
    package var id: String?
    /// `xml:lang` as sent.
    package let language: String?
    /// The version attribute as sent; nil where it is absent, which means 0.9 (§4.7.5).
    package let version: String?
    /// The version; nil if it is not of the form `major.minor`.
    package let versionNumber: Version?
    /// The version of the answering header: the lower of both sides', and none where none was given (§4.7.5).
    package let answeredVersion: String?
    /// The language of what is sent on the stream; nil if none is named, or none that is of the form of RFC 5646 (§4.7.4).
    package let defaultLanguage: String?
    /// The default namespace, or "" where none is declared.
    package var defaultNamespace: String
    /// The prefix of the root element's name, "" for none.
    package var prefix: String
    /// Prefixes declared besides the root element's own.
    package var declarations: [NamespaceDeclaration]

    /// A stanza that uses what its stream's root declares carries the declarations to its receivers.
    private static let declaredBytes = 1_024

    /// Parses an XML declaration and the opening tag of a stream.
    /// - Parameter bytes: what the framer found to be the header.
    /// - Throws: the error of §4.9.3 that names what is wrong.
    package init(parsing bytes: ByteBuffer) throws(StreamError) {
        var found = Found()
        var handler = xmlSAXHandler()
        handler.initialized = XML_SAX2_MAGIC
        handler.startElementNs = { data, name, prefix, namespace, declarationCount, declarations, attributeCount, _, attributes in
            guard let data, let name else { return }
            data.assumingMemoryBound(to: Found.self).pointee.opened(
                name, prefix, namespace, Int(declarationCount), declarations, Int(attributeCount), attributes)
        }
        handler.internalSubset = { data, _, _, _ in data?.assumingMemoryBound(to: Found.self).pointee.isRestricted = true }
        handler.comment = { data, _ in data?.assumingMemoryBound(to: Found.self).pointee.isRestricted = true }
        handler.processingInstruction = { data, _, _ in
            data?.assumingMemoryBound(to: Found.self).pointee.isRestricted = true
        }
        handler.getEntity = { _, _ in nil }
        handler.serror = { data, error in
            guard let data, let error, error.pointee.code != 99, error.pointee.code != 100 else { return }
            let found = data.assumingMemoryBound(to: Found.self)
            if found.pointee.errorCode == 0 { found.pointee.errorCode = error.pointee.code }
        }
        let encoding: String? = bytes.withUnsafeReadableBytes { bytes in
            withUnsafeMutablePointer(to: &found) { found in
                guard let context = xmlCreatePushParserCtxt(&handler, found, nil, 0, nil) else { return nil }
                defer { xmlFreeParserCtxt(context) }
                xmlCtxtUseOptions(context, Int32(XML_PARSE_NOENT.rawValue | XML_PARSE_NONET.rawValue))
                // Else it guesses the encoding by the first bytes.
                xmlSwitchEncoding(context, XML_CHAR_ENCODING_UTF8)
                xmlParseChunk(
                    context, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(truncatingIfNeeded: bytes.count), 0)
                return context.pointee.encoding.map { String(cString: $0) }
            }
        }
        if found.isRestricted { throw StreamError(.restrictedXML) }
        if let encoding, encoding.lowercased() != "utf-8" { throw .encoding }
        switch UInt32(bitPattern: found.errorCode) {
        case 0: break
        case XML_ERR_INVALID_ENCODING.rawValue, XML_ERR_UNSUPPORTED_ENCODING.rawValue, XML_ERR_UNKNOWN_ENCODING.rawValue:
            throw .encoding
        // libxml2 has several codes for wrong encoding, most of them general ones.
        default: throw bytes.readableBytesView.isValidUTF8 ? StreamError(.notWellFormed) : .encoding
        }
        guard let root = found.root else { throw StreamError(.notWellFormed) }
        // §4.8.1: "MUST close the stream with a stream error, which SHOULD be <invalid-namespace/>"
        guard root.namespace == Namespace.streams else { throw StreamError(.invalidNamespace) }
        guard root.name == "stream" else { throw StreamError(.badFormat, "expected <stream/>") }
        to = found.attributes["to"]
        from = found.attributes["from"]
        id = found.attributes["id"]
        language = found.attributes["xml:lang"]
        defaultLanguage = language.flatMap { Self.isLanguageTag($0) ? $0 : nil }
        version = found.attributes["version"]
        let number = version.map(Version.init) ?? Version(major: 0, minor: 9)
        versionNumber = number
        answeredVersion =
            version.map { _ in if let number, number.major < 1 { "\(number.major).\(number.minor)" } else { "1.0" } }
        prefix = root.prefix
        defaultNamespace = found.declarations.first { $0.prefix.isEmpty }?.namespace ?? ""
        declarations = found.declarations.filter { !$0.prefix.isEmpty && $0.prefix != root.prefix }
        guard declarations.reduce(0, { $0 + $1.prefix.utf8.count + $1.namespace.utf8.count }) <= Self.declaredBytes else {
            throw StreamError(.policyViolation, "too many namespaces are declared on the stream")
        }
    }

    /// A version of XMPP (§4.7.5).
    package struct Version: Sendable, Equatable {
        package let major: Int
        package let minor: Int

        package init(major: Int, minor: Int) {
            self.major = major
            self.minor = minor
        }

        init?(_ text: String) {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2,
                parts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 4 && $0.allSatisfy(\.isASCIIDigit) }),
                let major = Int(parts[0]), let minor = Int(parts[1])
            else { return nil }
            self.init(major: major, minor: minor)
        }
    }

    /// Whether a text has the form of RFC 5646.
    private static func isLanguageTag(_ text: String) -> Bool {
        guard text.utf8.count <= 64 else { return false }
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return parts.enumerated().allSatisfy { index, part in
            (1...8).contains(part.count)
                && part.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                    case UInt8(ascii: "0")...UInt8(ascii: "9"): index > 0
                    default: false
                    }
                }
        }
    }

    /// What the parser reports of the root element.
    private struct Found {
        var root: (name: String, prefix: String, namespace: String)?
        var declarations: [NamespaceDeclaration] = []
        var attributes: [String: String] = [:]
        var isRestricted = false
        var errorCode: Int32 = 0

        mutating func opened(
            _ name: UnsafePointer<xmlChar>, _ prefix: UnsafePointer<xmlChar>?, _ namespace: UnsafePointer<xmlChar>?,
            _ declarationCount: Int, _ declared: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?, _ attributeCount: Int,
            _ attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
        ) {
            guard root == nil else { return }
            let text = { (pointer: UnsafePointer<xmlChar>?) in pointer.map { String(cString: $0) } ?? "" }
            root = (text(name), text(prefix), text(namespace))
            for index in 0..<declarationCount {
                declarations.append(
                    NamespaceDeclaration(prefix: text(declared?[2 * index]), namespace: text(declared?[2 * index + 1])))
            }
            for index in 0..<attributeCount {
                guard let attribute = attributes.map({ $0 + 5 * index }), let value = attribute[3], let end = attribute[4]
                else { continue }
                let name = (attribute[1] == nil ? "" : text(attribute[1]) + ":") + text(attribute[0])
                self.attributes[name] = String(
                    decoding: UnsafeBufferPointer(start: value, count: end - value), as: UTF8.self)
            }
        }
    }

    /// Writes the opening tag of the answering stream, with its XML declaration (§4.7).
    package static func write(
        into buffer: inout ByteBuffer, from: String?, to: String?, id: String?, language: String?,
        content: Namespace = .client, version: String? = "1.0"
    ) {
        buffer.write("<?xml version='1.0'?><stream:stream xmlns='")
        buffer.write(content.text)
        buffer.write("' xmlns:stream='")
        buffer.write(Namespace.streams.text)
        buffer.write("'")
        var writer = XMLWriter(into: buffer)
        buffer = ByteBuffer()
        writer.attribute("from", from)
        writer.attribute("to", to)
        writer.attribute("id", id)
        writer.attribute("version", version)
        writer.attribute("xml:lang", language)
        buffer = writer.buffer
        buffer.write(">")
    }
}

extension StreamError {
    fileprivate static var encoding: StreamError { StreamError(.unsupportedEncoding, "streams are encoded in UTF-8") }

    /// Writes `<stream:error/>` (RFC 6120 §4.9.2).
    package func write(into writer: inout XMLWriter) {
        writer.buffer.write("<stream:error><")
        writer.buffer.write(condition.name.text)
        writer.buffer.write(" xmlns='urn:ietf:params:xml:ns:xmpp-streams'>")
        if let otherHost { writer.text(otherHost) }
        writer.buffer.write("</")
        writer.buffer.write(condition.name.text)
        writer.buffer.write(">")
        writer.element("text", in: .streamErrors, ["xml:lang": "en"], text: text)
        if let application {
            writer.buffer.writeString("<\(application.name)")
            writer.attribute("xmlns", application.namespace.description)
            for (name, value) in application.attributes.sorted(by: { $0.key < $1.key }) {
                writer.buffer.writeString(" \(name)='")
                writer.text(value)
                writer.buffer.writeString("'")
            }
            writer.buffer.writeString("/>")
        }
        writer.buffer.write("</stream:error>")
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
