/// Names that no address can carry as they are: `space user` has the localpart `space\20user` (XEP-0106).
enum LocalpartEscaping {
    /// The name that a localpart stands for (section 4.3). Other uses of the backslash stay as they are.
    static func unescaped(_ localpart: String) -> String {
        guard localpart.utf8.contains(UInt8(ascii: "\\")) else { return localpart }
        var out: [UInt8] = []
        var rest = localpart.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let character = characters[String(decoding: rest.prefix(2), as: UTF8.self)] {
                out.append(character)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static let characters: [String: UInt8] = [
        "20": 0x20, "22": 0x22, "26": 0x26, "27": 0x27, "2f": 0x2F, "3a": 0x3A, "3c": 0x3C, "3e": 0x3E, "40": 0x40,
        "5c": 0x5C,
    ]
}
