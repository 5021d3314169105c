/// Characters that a localpart must not contain, written with a backslash and two digits (XEP-0106).
///
/// For gateways and directories whose names have such characters. Only localparts are escaped, and addresses are always
/// compared escaped.
package enum JIDEscaping {
    /// The text as a localpart; nil when it starts or ends with a space, which must not be escaped there.
    package static func escape(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        if bytes.first == UInt8(ascii: " ") || bytes.last == UInt8(ascii: " ") { return nil }
        var result: [UInt8] = []
        for (place, byte) in bytes.enumerated() {
            // A backslash stays itself unless it would read as the start of an escape.
            if byte != backslash ? disallowed.contains(byte) : escaped(bytes, at: place) != nil {
                result += [backslash, digit(byte >> 4), digit(byte & 15)]
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The localpart as people write it. What is not an escape stays, and so does a first or last `\20`.
    package static func unescape(_ localpart: String) -> String {
        let bytes = Array(localpart.utf8)
        var result: [UInt8] = []
        var place = 0
        while place < bytes.count {
            if let byte = escaped(bytes, at: place),
                byte != UInt8(ascii: " ") || (place > 0 && place + 3 < bytes.count)
            {
                result.append(byte)
                place += 3
            } else {
                result.append(bytes[place])
                place += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static let backslash = UInt8(ascii: "\\")
    private static let disallowed = Array(" \"&'/:<>@".utf8)

    /// The character that the escape at `place` stands for, if one is there. The case of its digits matters.
    private static func escaped(_ bytes: [UInt8], at place: Int) -> UInt8? {
        guard bytes[place] == backslash, place + 2 < bytes.count else { return nil }
        return (disallowed + [backslash]).first {
            bytes[place + 1] == digit($0 >> 4) && bytes[place + 2] == digit($0 & 15)
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
