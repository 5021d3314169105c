/// SHA-1, SHA-256, SHA-512 and HMAC (FIPS 180-4, RFC 2104), written for tests: no library, no care for speed.
import XMPP

extension ScramHash {
    static let testSHA1 = test(.sha1, blockSize: 64, sha1)
    static let testSHA256 = test(.sha256, blockSize: 64, sha256)
    static let testSHA512 = test(.sha512, blockSize: 128, sha512)
    static let allForTests = [testSHA512, testSHA256, testSHA1]

    static func forTests(_ name: Name) -> ScramHash {
        switch name {
        case .sha1: testSHA1
        case .sha256: testSHA256
        case .sha512: testSHA512
        }
    }

    private static func test(
        _ name: Name, blockSize: Int, _ digest: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) -> ScramHash {
        ScramHash(name, digest: digest) { key, data in
            let short = key.count > blockSize ? digest(key) : key
            let block = short + [UInt8](repeating: 0, count: blockSize - short.count)
            return digest(block.map { $0 ^ 0x5C } + digest(block.map { $0 ^ 0x36 } + data))
        }
    }
}

/// The message, a one bit, zeros and the length, in words.
private func words<Word: FixedWidthInteger & UnsignedInteger>(_ data: [UInt8], _: Word.Type) -> [Word] {
    let size = Word.bitWidth / 8
    let blocks = (data.count + 2 * size) / (16 * size) + 1
    var words = [Word](repeating: 0, count: 16 * blocks)
    words.withUnsafeMutableBytes { bytes in
        bytes.copyBytes(from: data)
        bytes[data.count] = 0x80
    }
    for index in words.indices { words[index] = Word(bigEndian: words[index]) }
    words[words.count - 1] = Word(data.count * 8)
    return words
}

private func bytes<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
    words.map(\.bigEndian).withUnsafeBytes { Array($0) }
}

@Sendable private func sha1(_ data: [UInt8]) -> [UInt8] {
    let input = words(data, UInt32.self)
    var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    var w = [UInt32](repeating: 0, count: 80)
    for start in stride(from: 0, to: input.count, by: 16) {
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        w.withUnsafeMutableBufferPointer { w in
            var t = 0
            while t < 80 {
                if t < 16 {
                    w[t] = input[start + t]
                } else {
                    let x = w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16]
                    w[t] = x &<< 1 | x &>> 31
                }
                let f: UInt32
                if t < 20 {
                    f = (b & c | ~b & d) &+ 0x5A82_7999
                } else if t < 40 {
                    f = (b ^ c ^ d) &+ 0x6ED9_EBA1
                } else if t < 60 {
                    f = (b & c | b & d | c & d) &+ 0x8F1B_BCDC
                } else {
                    f = (b ^ c ^ d) &+ 0xCA62_C1D6
                }
                let next = (a &<< 5 | a &>> 27) &+ f &+ e &+ w[t]
                e = d
                d = c
                c = b &<< 30 | b &>> 2
                b = a
                a = next
                t += 1
            }
        }
        state = zip(state, [a, b, c, d, e]).map { $0 &+ $1 }
    }
    return bytes(state)
}

@Sendable private func sha256(_ data: [UInt8]) -> [UInt8] {
    let input = words(data, UInt32.self)
    var state = start256
    var w = [UInt32](repeating: 0, count: 64)
    for start in stride(from: 0, to: input.count, by: 16) {
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        w.withUnsafeMutableBufferPointer { w in
            k256.withUnsafeBufferPointer { k in
                var t = 0
                while t < 64 {
                    if t < 16 {
                        w[t] = input[start + t]
                    } else {
                        let (x, y) = (w[t - 15], w[t - 2])
                        let x0 = (x &>> 7 | x &<< 25) ^ (x &>> 18 | x &<< 14) ^ x &>> 3
                        let y1 = (y &>> 17 | y &<< 15) ^ (y &>> 19 | y &<< 13) ^ y &>> 10
                        w[t] = w[t - 16] &+ x0 &+ w[t - 7] &+ y1
                    }
                    let e1 = (e &>> 6 | e &<< 26) ^ (e &>> 11 | e &<< 21) ^ (e &>> 25 | e &<< 7)
                    let t1 = h &+ e1 &+ (e & f ^ ~e & g) &+ k[t] &+ w[t]
                    let a0 = (a &>> 2 | a &<< 30) ^ (a &>> 13 | a &<< 19) ^ (a &>> 22 | a &<< 10)
                    let t2 = a0 &+ (a & b ^ a & c ^ b & c)
                    h = g
                    g = f
                    f = e
                    e = d &+ t1
                    d = c
                    c = b
                    b = a
                    a = t1 &+ t2
                    t += 1
                }
            }
        }
        state = zip(state, [a, b, c, d, e, f, g, h]).map { $0 &+ $1 }
    }
    return bytes(state)
}

@Sendable private func sha512(_ data: [UInt8]) -> [UInt8] {
    let input = words(data, UInt64.self)
    var state = start512
    var w = [UInt64](repeating: 0, count: 80)
    for start in stride(from: 0, to: input.count, by: 16) {
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        w.withUnsafeMutableBufferPointer { w in
            k512.withUnsafeBufferPointer { k in
                var t = 0
                while t < 80 {
                    if t < 16 {
                        w[t] = input[start + t]
                    } else {
                        let (x, y) = (w[t - 15], w[t - 2])
                        let x0 = (x &>> 1 | x &<< 63) ^ (x &>> 8 | x &<< 56) ^ x &>> 7
                        let y1 = (y &>> 19 | y &<< 45) ^ (y &>> 61 | y &<< 3) ^ y &>> 6
                        w[t] = w[t - 16] &+ x0 &+ w[t - 7] &+ y1
                    }
                    let e1 = (e &>> 14 | e &<< 50) ^ (e &>> 18 | e &<< 46) ^ (e &>> 41 | e &<< 23)
                    let t1 = h &+ e1 &+ (e & f ^ ~e & g) &+ k[t] &+ w[t]
                    let a0 = (a &>> 28 | a &<< 36) ^ (a &>> 34 | a &<< 30) ^ (a &>> 39 | a &<< 25)
                    let t2 = a0 &+ (a & b ^ a & c ^ b & c)
                    h = g
                    g = f
                    f = e
                    e = d &+ t1
                    d = c
                    c = b
                    b = a
                    a = t1 &+ t2
                    t += 1
                }
            }
        }
        state = zip(state, [a, b, c, d, e, f, g, h]).map { $0 &+ $1 }
    }
    return bytes(state)
}

private let start256 = fractions(of: primes(8), root: 2).map { UInt32($0 >> 32) }
private let k256 = fractions(of: primes(64), root: 3).map { UInt32($0 >> 32) }
private let start512 = fractions(of: primes(8), root: 2)
private let k512 = fractions(of: primes(80), root: 3)

private func primes(_ count: Int) -> [UInt64] {
    Array((UInt64(2)...).lazy.filter { n in !(2..<n).contains { n.isMultiple(of: $0) } }.prefix(count))
}

/// The first 64 bits of the fractional parts of the square or cube roots, found by bisection: the constants of SHA-2.
private func fractions(of numbers: [UInt64], root: Int) -> [UInt64] {
    numbers.map { number in
        var low: UInt128 = 0
        var high = UInt128(32) << 64
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if power(middle, root, isAtMost: number) { low = middle } else { high = middle }
        }
        return UInt64(truncatingIfNeeded: low)
    }
}

/// Whether (x / 2^64)^exponent <= limit, in exact arithmetic on 32-bit digits.
private func power(_ x: UInt128, _ exponent: Int, isAtMost limit: UInt64) -> Bool {
    let digits = (0..<3).map { UInt64(truncatingIfNeeded: x >> UInt128(32 * $0)) & 0xFFFF_FFFF }
    var product: [UInt64] = [1]
    for _ in 0..<exponent {
        var next = [UInt64](repeating: 0, count: product.count + digits.count)
        for (i, a) in product.enumerated() {
            var carry: UInt64 = 0
            for (j, b) in digits.enumerated() {
                let sum = next[i + j] + a * b + carry
                next[i + j] = sum & 0xFFFF_FFFF
                carry = sum >> 32
            }
            next[i + digits.count] += carry
        }
        product = next
    }
    let whole = product[(2 * exponent)...].reversed().reduce(UInt64(0)) { $0 << 32 | $1 }
    let hasRest = product[..<(2 * exponent)].contains { $0 != 0 }
    return whole < limit || whole == limit && !hasRest
}
