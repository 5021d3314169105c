import NIOCore

@testable import XMPP

/// Compares what framer and parser make of a stream with what libxml2 makes of the same bytes as one document.
struct StreamDifference {
    /// Serves all streams that are compared one after the other, as the parser of an event loop does.
    private let parser = StanzaParser()
    private let limits = XMLLimits(bytes: 65_536)
    private let receiver = StanzaParser()
    private let generous = XMLLimits(bytes: 1 << 20, depth: 100, attributes: 300, unknownNames: 100_000)

    /// Returns what they disagree about, or nil.
    /// - Parameter chunk: how many bytes arrive at once.
    func find(in bytes: [UInt8], chunk: () -> Int) -> String? {
        let reading = StreamReading(bytes, parser: parser, limits: limits, chunk: chunk)
        if let header = reading.header, let problem = compare(reading, header) { return problem }
        guard reading.outcome != .ended, let whole = WholeDocument(bytes), !whole.isRestricted else { return nil }
        return isExpected(reading.outcome, of: bytes, whole)
            ? nil : "\(reading.outcome), but the document is well-formed"
    }

    /// Whether a well-formed document is to be refused for what only XMPP demands.
    private func isExpected(_ outcome: StreamReading.Outcome, of bytes: [UInt8], _ whole: WholeDocument) -> Bool {
        guard case .refused(let error) = outcome else { return false }
        return switch error.condition {
        case .policyViolation: whole.exceeds(limits) || bytes.count > limits.bytes
        case .invalidNamespace, .badFormat:
            whole.rootName != (Namespace.streams.description, "stream")
        // Whichever encoding is declared, the bytes were read as UTF-8.
        case .unsupportedEncoding: String(decoding: bytes, as: UTF8.self).contains("encoding")
        case .notWellFormed:
            // A byte order mark, another version of XML, a stream that is an empty tag.
            bytes.starts(with: [0xEF, 0xBB, 0xBF]) || whole.version != "1.0" || whole.isEmpty
        default: false
        }
    }

    /// The accepted part, as a document.
    private func compare(_ reading: StreamReading, _ header: StreamHeader) -> String? {
        let end = "</\(header.prefix.isEmpty ? "" : header.prefix + ":")stream>"
        guard let whole = WholeDocument(reading.opening + reading.elements.flatMap(\.source) + Array(end.utf8)) else {
            return "accepted, but not well-formed"
        }
        guard !whole.isRestricted else { return "accepted, but restricted" }
        if let problem = compare(header, whole) { return problem }
        let expected = whole.elements
        guard reading.elements.count == expected.count else {
            return "\(reading.elements.count) elements instead of \(expected.count)"
        }
        for (read, expected) in zip(reading.elements, expected) {
            let meaning = CanonicalXML(read.element)
            let right = CanonicalXML(expected)
            if meaning != right { return "read \(meaning)\ninstead of \(right)" }
            if let problem = offsets(of: read.element, in: read.source) { return problem }
            if let problem = rewriting(of: read.element, meaning) { return problem }
        }
        return nil
    }

    private func compare(_ header: StreamHeader, _ whole: WholeDocument) -> String? {
        func attribute(_ name: String, _ namespace: String = "") -> String? {
            whole.root.attributes.first { $0.name == name && $0.namespace == namespace }?.value
        }
        let declared = whole.root.declarations
        let isSame =
            header.to == attribute("to") && header.from == attribute("from") && header.id == attribute("id")
            && header.version == attribute("version")
            && header.language == attribute("lang", Namespace.xml.description)
            && header.defaultNamespace == declared.first { $0.prefix.isEmpty }?.namespace ?? ""
            && Set(header.declarations) == Set(declared.filter { !$0.prefix.isEmpty && $0.prefix != header.prefix })
        return isSame ? nil : "the header is read as \(header)"
    }

    // MARK: Offsets

    /// Checks where an element and those inside it begin and end in what was received.
    private func offsets(of element: Element, in source: [UInt8]) -> String? {
        let node = element.node
        let places = [node.start, node.contentStart, node.contentEnd, node.end].map { Int($0) }
        let found = "<\(element.name)> has \(places) of \(source.count)"
        guard places == places.sorted(), places[3] <= source.count else { return found }
        if element.index == 0, places[0] != 0 || places[3] != source.count { return found }
        guard source[places[0]] == UInt8(ascii: "<"), source[places[1] - 1] == UInt8(ascii: ">"),
            source[places[3] - 1] == UInt8(ascii: ">")
        else { return found }
        let name = source[(places[0] + 1)...].prefix { !" \t\r\n/>".utf8.contains($0) }.split(
            separator: UInt8(ascii: ":")
        ).last
        guard name?.elementsEqual(element.name.utf8) == true else { return found }
        if places[2] == places[3] {
            guard places[1] == places[3], source[places[3] - 2] == UInt8(ascii: "/") else { return found }
        } else {
            guard source[places[2]...].starts(with: "</".utf8) else { return found }
        }
        // Between its children there is text only.
        var position = places[1]
        for child in element.children {
            let start = Int(child.node.start)
            guard start >= position, !hasTags(source[position..<start]) else { return found + " before \(child.name)" }
            if let problem = offsets(of: child, in: source) { return problem }
            position = Int(child.node.end)
        }
        guard position <= places[2], !hasTags(source[position..<places[2]]) else { return found + " at its end" }
        return nil
    }

    private func hasTags(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while let start = rest.firstIndex(of: UInt8(ascii: "<")) {
            guard rest[start...].starts(with: "<![CDATA[".utf8) else { return true }
            rest = rest[start...]
            while !rest.starts(with: "]]>".utf8) {
                guard rest.popFirst() != nil else { return true }
            }
        }
        return false
    }

    // MARK: Writing

    private static let readdressed: Set<String> = ["from", "to", "type"]

    /// Checks that what is sent on means what was received.
    private func rewriting(of element: Element, _ meaning: CanonicalXML) -> String? {
        let alone = element.serialized
        guard let copy = WholeDocument(Array(alone.utf8)), CanonicalXML(copy.root) == meaning else {
            return "serialized as \(alone)\ninstead of \(meaning)"
        }
        guard element.isIn(.client) else { return nil }
        let kinds: [(StaticString, Stanza.Kind)] = [("message", .message), ("presence", .presence), ("iq", .iq)]
        guard let kind = kinds.first(where: { element.isNamed($0.0) })?.1, let type = StanzaType(of: kind, element)
        else {
            return nil
        }
        let stanza = Stanza(
            kind: kind, type: type, from: try? JID("romeo@example.net/orchard"), to: try? JID("juliet@example.com"),
            element: element)
        let sent = stanza.serialized
        // Inside a stream of ours, and inside a document that declares nothing but the default namespace.
        let text = Array("<x xmlns='jabber:client'>".utf8) + Array(sent.readableBytesView) + Array("</x>".utf8)
        let right = CanonicalXML(element, without: Self.readdressed)
        guard let whole = WholeDocument(text), whole.elements.count == 1,
            CanonicalXML(whole.elements[0], without: Self.readdressed) == right
        else { return "sent as \(String(buffer: sent))\ninstead of \(right)" }
        guard let again = try? receiver.parse(sent, limits: generous), again["to"] == "juliet@example.com",
            CanonicalXML(again, without: Self.readdressed) == right, StanzaType(of: kind, again) == type
        else { return "sent as \(String(buffer: sent)), which is refused" }
        return nil
    }
}
