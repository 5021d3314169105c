internal import Storage
internal import TLS
internal import XMPP

/// Turns places of one archive into names that tell nothing but themselves (XEP-0359 §6), and back.
///
/// XTEA, a block cipher of 64 bits, with a key for each archive: a name tells neither time nor traffic, and a name from
/// another archive stands for no place in this one.
struct PlaceCipher: Sendable {
    private let key: (UInt32, UInt32, UInt32, UInt32)

    /// - Parameter secret: of the server, random.
    init(secret: [UInt8], owner: JID) {
        let digest = Hash.sha256.hmac(key: secret, Array(owner.description.utf8))
        func word(_ index: Int) -> UInt32 { digest[index * 4..<index * 4 + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        key = (word(0), word(1), word(2), word(3))
    }

    private static let delta: UInt32 = 0x9E37_79B9
    private static let cycles = 32
    /// 13 characters of 5 bits; a string of 15 bytes needs no memory of its own.
    private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    private static let length = 13

    func name(of place: ArchivePlace) -> String {
        let number = UInt64(bitPattern: place.number)
        var (left, right) = (UInt32(truncatingIfNeeded: number >> 32), UInt32(truncatingIfNeeded: number))
        var sum: UInt32 = 0
        for _ in 0..<Self.cycles {
            left &+= (((right << 4) ^ (right >> 5)) &+ right) ^ (sum &+ word(sum & 3))
            sum &+= Self.delta
            right &+= (((left << 4) ^ (left >> 5)) &+ left) ^ (sum &+ word((sum >> 11) & 3))
        }
        let mixed = UInt64(left) << 32 | UInt64(right)
        return String(unsafeUninitializedCapacity: Self.length) { buffer in
            for index in 0..<Self.length {
                buffer[index] = Self.digits[Int(truncatingIfNeeded: mixed >> UInt64(60 - 5 * index)) & 31]
            }
            return Self.length
        }
    }

    /// The place that a name stands for; nil for what cannot be a name. Whether there is anything is another question.
    func place(named name: String) -> ArchivePlace? {
        guard name.utf8.count == Self.length else { return nil }
        var mixed: UInt64 = 0
        for (index, byte) in name.utf8.enumerated() {
            guard let digit = Self.digits.firstIndex(of: byte), index > 0 || digit < 16 else { return nil }
            mixed = mixed << 5 | UInt64(digit)
        }
        var (left, right) = (UInt32(truncatingIfNeeded: mixed >> 32), UInt32(truncatingIfNeeded: mixed))
        var sum = Self.delta &* UInt32(Self.cycles)
        for _ in 0..<Self.cycles {
            right &-= (((left << 4) ^ (left >> 5)) &+ left) ^ (sum &+ word((sum >> 11) & 3))
            sum &-= Self.delta
            left &-= (((right << 4) ^ (right >> 5)) &+ right) ^ (sum &+ word(sum & 3))
        }
        let number = Int64(bitPattern: UInt64(left) << 32 | UInt64(right))
        return number > 0 ? ArchivePlace(number: number) : nil
    }

    private func word(_ index: UInt32) -> UInt32 {
        switch index {
        case 0: key.0
        case 1: key.1
        case 2: key.2
        default: key.3
        }
    }
}
