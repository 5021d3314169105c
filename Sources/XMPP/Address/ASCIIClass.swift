/// A set of ASCII characters as two words of bits, tested without touching memory.
struct ASCIIClass {
    private let low: UInt64
    private let high: UInt64

    /// What a prepared localpart may contain: visible characters except upper-case letters and `"&'/:<>@`
    /// (RFC 7622 §3.3.1).
    static let local = ASCIIClass(low: 0xABFF_7F3A_0000_0000, high: 0x7FFF_FFFF_F800_0000)

    /// What a prepared label of a domain name may contain: `a–z`, `0–9` and `-` (RFC 5890 §2.3.1).
    static let label = ASCIIClass(low: 0x03FF_2000_0000_0000, high: 0x07FF_FFFE_0000_0000)

    /// What a user name may contain: visible characters (RFC 8264 §9.11).
    static let visible = ASCIIClass(low: 0xFFFF_FFFE_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF)

    /// What a resourcepart may contain: visible characters and the space (RFC 8264 §4.3).
    static let resource = ASCIIClass(low: 0xFFFF_FFFF_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF)

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        byte < 0x80 && ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 == 1
    }
}
