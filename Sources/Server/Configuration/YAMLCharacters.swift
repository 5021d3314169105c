/// Checks the characters of a YAML file (YAML 1.2, section 5.1) before it is parsed, because the parser's own
/// messages for them do not say what to do.
enum YAMLCharacters {
    /// The text of the bytes, without a byte order mark.
    static func check(_ bytes: [UInt8]) throws(YAMLText.Problem) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let good = validPrefix(bytes)
            throw YAMLText.Problem(position: position(after: good), message: "not UTF-8 text; save the file as UTF-8")
        }
        var position = TextPosition(line: 1, column: 1)
        var isIndentation = true
        for (index, scalar) in text.unicodeScalars.enumerated() {
            switch scalar {
            case "\n":
                position = TextPosition(line: position.line + 1, column: 1)
                isIndentation = true
                continue
            case "\u{feff}" where index == 0:
                continue
            case "\t" where isIndentation:
                throw YAMLText.Problem(position: position, message: "a line is indented with a tab; use spaces")
            case " ", "\t", "\r":
                break
            case _ where !isAllowed(scalar):
                let code = String(scalar.value, radix: 16, uppercase: true)
                throw YAMLText.Problem(position: position, message: "control character U+\(code); remove it")
            default:
                isIndentation = false
            }
            position = TextPosition(line: position.line, column: position.column + 1)
        }
        return text.unicodeScalars.first == "\u{feff}"
            ? String(String.UnicodeScalarView(text.unicodeScalars.dropFirst())) : text
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7e, 0x85, 0xa0...0xd7ff, 0xe000...0xfefe, 0xff00...0xfffd, 0x10000...: true
        default: false
        }
    }

    /// As many of the bytes as are UTF-8.
    private static func validPrefix(_ bytes: [UInt8]) -> String {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var text = String.UnicodeScalarView()
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { text.append(scalar) }
        return String(text)
    }

    private static func position(after text: String) -> TextPosition {
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        return TextPosition(line: max(lines.count, 1), column: (lines.last?.count ?? 0) + 1)
    }
}
