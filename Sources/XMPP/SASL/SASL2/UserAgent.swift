/// What a client tells of itself when it authenticates (XEP-0388 §2.3). Its id is nobody else's business.
package struct UserAgent: Hashable, Sendable {
    /// Names the installation of the client for good: a UUID of version 4, in lower case. Nil also if it is no such.
    package let id: String?
    package let software: String?
    package let device: String?

    package init(_ element: Element) {
        id = element["id"].flatMap(Self.uuid)
        software = element.child("software")?.text
        device = element.child("device")?.text
    }

    /// RFC 9562 §4, §5.4
    static func uuid(_ text: String) -> String? {
        let bytes = Array(text.lowercased().utf8)
        guard bytes.count == 36 else { return nil }
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 8, 13, 18, 23: guard byte == UInt8(ascii: "-") else { return nil }
            case 14: guard byte == UInt8(ascii: "4") else { return nil }
            case 19: guard "89ab".utf8.contains(byte) else { return nil }
            default: guard "0123456789abcdef".utf8.contains(byte) else { return nil }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
