import Yams

/// Reads the YAML of a configuration file and says in an administrator's words what is wrong with it.
///
/// Only what a configuration needs is accepted: one document of sections, lists and text. Tags, anchors and aliases
/// are refused, and no text is taken for a number or a truth value here: the setting that reads it knows its type.
enum YAMLText {
    struct Problem: Error, Equatable {
        let position: TextPosition?
        let message: String
    }

    /// The root of the document, or nil if the text holds none.
    static func parse(_ bytes: [UInt8]) throws(Problem) -> YAMLNode? {
        let text = try YAMLCharacters.check(bytes)
        do {
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            guard let root = try parser.singleRoot() else { return nil }
            // A node holds its anchor weakly, through the parser: without it anchors could not be refused.
            return try withExtendedLifetime(parser) { try node(root) }
        } catch let problem as Problem {
            throw problem
        } catch let error as YamlError {
            throw YAMLSyntaxProblem.describe(error, in: text)
        } catch {
            throw Problem(position: nil, message: "cannot be read as YAML: \(error)")
        }
    }

    /// A text as it must be written to be read back as the same text, also inside `[ ]`.
    static func written(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch UInt8(byte) {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
            case UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
        if isPlain, !text.isEmpty, text.utf8.first != UInt8(ascii: "-"), text.lowercased() != "null", text != "..." {
            return text
        }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case _ where scalar.properties.generalCategory == .control || scalar == "\u{feff}":
                quoted +=
                    "\\U" + String(repeating: "0", count: 8 - String(scalar.value, radix: 16).count)
                    + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func node(_ node: Node) throws(Problem) -> YAMLNode {
        let position = TextPosition(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        guard node.anchor == nil else {
            throw Problem(
                position: position, message: "anchors and aliases (& and *) are not used here; write the value out")
        }
        switch node {
        case .scalar(let scalar):
            let quoted = scalar.style != .plain && scalar.style != .any
            try refuseTag(scalar.tag, at: position, but: .str)
            let isNull = !quoted && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            return YAMLNode(position: position, content: isNull ? .null : .scalar(scalar.string, quoted: quoted))
        case .sequence(let sequence):
            try refuseTag(sequence.tag, at: position, but: .seq)
            var elements: [YAMLNode] = []
            for element in sequence { elements.append(try self.node(element)) }
            return YAMLNode(position: position, content: .list(elements))
        case .mapping(let mapping):
            try refuseTag(mapping.tag, at: position, but: .map)
            var entries: [YAMLNode.Entry] = []
            for (key, value) in mapping {
                let key = try self.node(key)
                guard case .scalar(let name, _) = key.content else {
                    throw Problem(position: key.position, message: "a key must be text, not \(key.found)")
                }
                entries.append(YAMLNode.Entry(key: name, position: key.position, value: try self.node(value)))
            }
            return YAMLNode(position: position, content: .section(entries))
        case .alias:
            throw Problem(position: position, message: "aliases (*) are not used here; write the value out")
        }
    }

    /// `usual` is the tag that the parser itself gives, in comparing keys.
    private static func refuseTag(_ tag: Tag, at position: TextPosition, but usual: Tag.Name) throws(Problem) {
        let name = tag.description
        guard !name.isEmpty, name != usual.rawValue else { return }
        throw Problem(
            position: position, message: "tags such as !!int are not used here; remove \"\(YAMLNode.shortened(name))\"")
    }
}
