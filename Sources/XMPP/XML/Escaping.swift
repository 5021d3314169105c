package import NIOCore

extension ByteBuffer {
    /// Writes text so that it can stand in character data and in attribute values of either quote.
    package mutating func writeEscaped(_ text: UnsafeRawBufferPointer) {
        guard let start = text.baseAddress else { return }
        var written = 0
        for index in 0..<text.count {
            let byte = start.load(fromByteOffset: index, as: UInt8.self)
            // All that is to be replaced lies at or below `>`.
            guard byte <= UInt8(ascii: ">") else { continue }
            let reference: StaticString
            switch byte {
            case UInt8(ascii: "&"): reference = "&amp;"
            case UInt8(ascii: "<"): reference = "&lt;"
            case UInt8(ascii: ">"): reference = "&gt;"
            case UInt8(ascii: "'"): reference = "&apos;"
            case UInt8(ascii: "\""): reference = "&quot;"
            // Parsers replace these by a space in attribute values and by a line feed in text.
            case 0x0D: reference = "&#13;"
            case 0x0A: reference = "&#10;"
            case 0x09: reference = "&#9;"
            default: continue
            }
            writeBytes(UnsafeRawBufferPointer(rebasing: text[written..<index]))
            writeStaticString(reference)
            written = index + 1
        }
        writeBytes(UnsafeRawBufferPointer(rebasing: text[written...]))
    }

    package mutating func writeEscaped(_ text: String) {
        var text = text
        text.withUTF8 { writeEscaped(UnsafeRawBufferPointer($0)) }
    }
}
