internal import NIOCore
internal import XMPP

/// An XML element as a plain value, expected or received.
package struct Markup: Sendable, Equatable {
    package struct Attribute: Sendable, Equatable {
        package var name: String
        package var namespace: String?
        package var value: String
    }

    package enum Content: Sendable, Equatable {
        case element(Markup)
        case text(String)
    }

    package var name: String
    package var namespace: String
    package var attributes: [Attribute] = []
    package var content: [Content] = []

    package init(_ name: String, in namespace: String) {
        self.name = name
        self.namespace = namespace
    }

    package var children: [Markup] {
        content.compactMap { if case .element(let child) = $0 { child } else { nil } }
    }

    /// The text directly inside the element; that between children counts only if it is not blank.
    package var text: String {
        let text = content.reduce(into: "") { if case .text(let run) = $1 { $0 += run } }
        let isBlank = text.allSatisfy(\.isWhitespace)
        if content.contains(where: { if case .element = $0 { true } else { false } }) {
            return String(text.trimmed)
        }
        return isBlank && text.contains("\n") ? "" : text
    }

    /// The value of an attribute without a namespace.
    package subscript(_ attribute: String) -> String? {
        attributes.first { $0.name == attribute && $0.namespace == nil }?.value
    }

    package func child(_ name: String, in namespace: String) -> Markup? {
        children.first { $0.name == name && $0.namespace == namespace }
    }

    /// The name of `<r/>` and `<a/>` of stream management (XEP-0198 §4), nil for others.
    var acknowledging: String? { namespace == "urn:xmpp:sm:3" && (name == "r" || name == "a") ? name : nil }
}

extension Markup {
    /// Takes the element out of the parser's hands.
    init(_ element: Element) {
        name = element.name
        namespace = element.namespace
        attributes = element.attributes.map { Attribute(name: $0.name, namespace: $0.namespace, value: $0.value) }
        let children = element.children.map(Markup.init)
        content = children.map(Content.element)
        let text = element.text
        if !text.isEmpty { content.insert(.text(text), at: 0) }
    }

    /// Parses one element as it stands in a stream with this default namespace, where the prefixes `stream` and
    /// `scansion` are declared.
    /// - Throws: `StreamError` as a server would.
    init(parsing text: String, in content: String) throws(StreamError) {
        let parser = StanzaParser(
            root: StanzaParser.Root(
                content: content,
                declarations: [
                    NamespaceDeclaration(prefix: "stream", namespace: Namespace.streams.description),
                    NamespaceDeclaration(prefix: "scansion", namespace: Self.scansionNamespace),
                ]))
        self.init(try parser.parse(ByteBuffer(string: text), limits: XMLLimits(bytes: 16_777_216, depth: 1_000)))
    }

    static let scansionNamespace = "https://matthewwild.co.uk/projects/scansion"

    /// As it is sent inside a stream with this default namespace: no white space between elements.
    package func serialized(inheriting inherited: String) -> String {
        var result = ""
        write(into: &result, inheriting: inherited, indentation: nil)
        return result
    }

    /// One line for each element, as it is shown to a reader.
    package func indented(inheriting inherited: String, by indentation: String = "") -> String {
        var result = ""
        write(into: &result, inheriting: inherited, indentation: indentation)
        return result
    }

    private func write(into result: inout String, inheriting inherited: String, indentation: String?) {
        result += indentation ?? ""
        let isOfStream = namespace == Namespace.streams.description
        let tag = isOfStream ? "stream:\(name)" : name
        result += "<\(tag)"
        if namespace != inherited, !isOfStream { result += " xmlns='\(Self.escaped(namespace))'" }
        for (count, attribute) in attributes.enumerated() {
            switch attribute.namespace {
            case nil: result += " \(attribute.name)"
            case Namespace.xml.description: result += " xml:\(attribute.name)"
            case Self.scansionNamespace: result += " scansion:\(attribute.name)"
            case .some(let namespace):
                result += " xmlns:a\(count)='\(Self.escaped(namespace))' a\(count):\(attribute.name)"
            }
            result += "='\(Self.escaped(attribute.value))'"
        }
        let text = text
        let children = children
        guard !text.isEmpty || !children.isEmpty else {
            result += "/>"
            return
        }
        result += ">"
        result += Self.escaped(text)
        for child in children {
            if indentation != nil { result += "\n" }
            child.write(
                into: &result, inheriting: isOfStream ? inherited : namespace,
                indentation: indentation.map { $0 + "  " })
        }
        if let indentation, !children.isEmpty { result += "\n" + indentation }
        result += "</\(tag)>"
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "'": result += "&apos;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
