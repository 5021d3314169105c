/// The arithmetic both sides of SCRAM share (RFC 5802 §3).
enum ScramProof {
    /// AuthMessage, which everything that was said goes into.
    static func authMessage(
        _ first: ScramClientFirst, _ serverFirst: ScramServerFirst, _ finalWithoutProof: [UInt8]
    ) -> [UInt8] {
        Array([first.bare, serverFirst.bytes, finalWithoutProof].joined(separator: [UInt8(ascii: ",")]))
    }

    /// The exclusive or of two strings of the same length.
    static func xor(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        zip(left, right).map { $0 ^ $1 }
    }
}
