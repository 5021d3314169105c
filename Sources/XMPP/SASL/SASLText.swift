/// SASL data as the character data of an XML element (RFC 6120 §6.4.2).
enum SASLText {
    /// Empty data is empty text.
    static func encode(_ bytes: [UInt8]) -> [UInt8] { Base64.encode(bytes) }

    /// A single equals sign is data of zero length, as is no text at all.
    static func decode(_ text: [UInt8]) throws(SASLFailure) -> [UInt8] {
        guard text.count <= Base64.encodedSize(of: SASLExchange.maximumMessageSize) else {
            throw SASLFailure(.malformedRequest, "\(text.count) characters of SASL data")
        }
        if text.count == 1, text[0] == UInt8(ascii: "=") { return [] }
        guard let bytes = Base64.decode(text) else {
            throw SASLFailure(.incorrectEncoding, "not Base 64")
        }
        return bytes
    }
}
