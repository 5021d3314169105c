internal import NIOCore

/// The text of `sends raw:` as bytes: `\xHH` is the byte of that number, a line break is a line feed.
enum RawText {
    static func bytes(of text: String) -> ByteBuffer {
        let bytes = Array(text.utf8)
        var result = ByteBuffer()
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), index + 3 < bytes.count, bytes[index + 1] == UInt8(ascii: "x"),
                let byte = UInt8(String(decoding: bytes[index + 2...index + 3], as: UTF8.self), radix: 16)
            {
                result.writeInteger(byte)
                index += 4
            } else {
                result.writeInteger(bytes[index])
                index += 1
            }
        }
        return result
    }
}
