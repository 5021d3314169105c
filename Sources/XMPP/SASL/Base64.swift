/// Base 64 over bytes as SASL wants it: canonical, padded, without white space (RFC 4648 §4, RFC 6120 §13.9.1).
package enum Base64 {
    /// The encoded text, padded, on one line.
    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        let size = encodedSize(of: bytes.count)
        return [UInt8](unsafeUninitializedCapacity: size) { output, count in
            bytes.withUnsafeBufferPointer { input in
                alphabet.withUnsafeBufferPointer { digits in
                    var from = 0
                    var to = 0
                    while from + 2 < input.count {
                        let word = UInt32(input[from]) << 16 | UInt32(input[from + 1]) << 8 | UInt32(input[from + 2])
                        output[to] = digits[Int(word >> 18)]
                        output[to + 1] = digits[Int(word >> 12 & 63)]
                        output[to + 2] = digits[Int(word >> 6 & 63)]
                        output[to + 3] = digits[Int(word & 63)]
                        from += 3
                        to += 4
                    }
                    guard from < input.count else { return }
                    let second = from + 1 < input.count ? input[from + 1] : nil
                    let word = UInt32(input[from]) << 16 | UInt32(second ?? 0) << 8
                    output[to] = digits[Int(word >> 18)]
                    output[to + 1] = digits[Int(word >> 12 & 63)]
                    output[to + 2] = second == nil ? pad : digits[Int(word >> 6 & 63)]
                    output[to + 3] = pad
                }
            }
            count = size
        }
    }

    /// The decoded bytes, or nil when the text is not the one canonical encoding of any bytes: wrong length, a
    /// character outside the alphabet (white space included), padding elsewhere than at the end, or leftover bits set.
    package static func decode(_ text: [UInt8]) -> [UInt8]? {
        guard let last = text.last else { return [] }
        guard text.count.isMultiple(of: 4) else { return nil }
        let padding = last != pad ? 0 : text[text.count - 2] != pad ? 1 : 2
        let size = text.count / 4 * 3 - padding
        var isCanonical = true
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { output, count in
            text.withUnsafeBufferPointer { input in
                values.withUnsafeBufferPointer { values in
                    var seen: UInt8 = 0
                    var to = 0
                    for from in stride(from: 0, to: padding == 0 ? input.count : input.count - 4, by: 4) {
                        let a = values[Int(input[from])]
                        let b = values[Int(input[from + 1])]
                        let c = values[Int(input[from + 2])]
                        let d = values[Int(input[from + 3])]
                        seen |= a | b | c | d
                        output[to] = a << 2 | b >> 4
                        output[to + 1] = b << 4 | c >> 2
                        output[to + 2] = c << 6 | d
                        to += 3
                    }
                    if padding > 0 {
                        let a = values[Int(input[input.count - 4])]
                        let b = values[Int(input[input.count - 3])]
                        let c = padding == 1 ? values[Int(input[input.count - 2])] : 0
                        seen |= a | b | c
                        output[to] = a << 2 | b >> 4
                        if padding == 1 { output[to + 1] = b << 4 | c >> 2 }
                        isCanonical = padding == 1 ? c & 3 == 0 : b & 15 == 0
                    }
                    isCanonical = isCanonical && seen & notADigit == 0
                }
            }
            count = size
        }
        return isCanonical ? bytes : nil
    }

    /// How many characters encode this many bytes.
    package static func encodedSize(of bytes: Int) -> Int { (bytes + 2) / 3 * 4 }

    private static let pad = UInt8(ascii: "=")
    private static let notADigit: UInt8 = 0x80

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: notADigit, count: 256)
        for (value, digit) in alphabet.enumerated() { values[Int(digit)] = UInt8(value) }
        return values
    }()
}
