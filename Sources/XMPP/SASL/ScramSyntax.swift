/// The small words of SCRAM messages: attributes, names, nonces, numbers (RFC 5802 §5.1 and §7).
enum ScramSyntax {
    /// A message did not follow the grammar; the detail is for the log.
    struct Violation: Error, Hashable {
        let detail: String

        @inline(never)
        init(_ detail: String) { self.detail = detail }
    }

    /// The comma-separated parts of a message, which must be UTF-8 without NUL.
    static func parts(of message: [UInt8]) throws(Violation) -> [ArraySlice<UInt8>] {
        guard isText(message[...]) else { throw Violation("not UTF-8, or with a NUL") }
        return message.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    }

    /// The value of a part that must be the attribute `name`.
    static func value(of part: ArraySlice<UInt8>?, _ name: Unicode.Scalar) throws(Violation) -> ArraySlice<UInt8> {
        guard let part, part.count > 2, part.first == UInt8(ascii: name), part.dropFirst().first == UInt8(ascii: "=")
        else { throw Violation("attribute \(name) is missing, misplaced or empty") }
        return part.dropFirst(2)
    }

    /// Fails unless the parts are optional extensions, which are to be ignored. One letter stands for extensions that
    /// must be understood, and the letters of the RFC have their places elsewhere.
    static func checkExtensions(_ parts: ArraySlice<ArraySlice<UInt8>>) throws(Violation) {
        for part in parts {
            guard let name = part.first, isLetter(name), part.count > 2, part.dropFirst().first == UInt8(ascii: "=")
            else { throw Violation("an extension is not an attribute") }
            guard !reserved.contains(name) else {
                throw Violation("attribute \(Unicode.Scalar(name)) where only optional extensions may be")
            }
        }
    }

    /// Fails if a message begins with the attribute for extensions that must be understood: none are.
    static func checkMandatoryExtension(_ part: ArraySlice<UInt8>?) throws(Violation) {
        if part?.first == UInt8(ascii: "m") { throw Violation("mandatory extensions are not supported") }
    }

    /// A name with `=2C` and `=3D` decoded; anything else after `=` is an error.
    static func name(_ escaped: ArraySlice<UInt8>) throws(Violation) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(escaped.count)
        var rest = escaped
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                bytes.append(byte)
                continue
            }
            if rest.starts(with: comma) {
                bytes.append(UInt8(ascii: ","))
            } else if rest.starts(with: equalsSign) {
                bytes.append(UInt8(ascii: "="))
            } else {
                throw Violation("= in a name is not followed by 2C or 3D")
            }
            rest = rest.dropFirst(2)
        }
        guard !bytes.isEmpty, let name = String(validating: bytes, as: UTF8.self) else {
            throw Violation("a name is empty or not UTF-8")
        }
        return name
    }

    /// A name with comma and equals sign encoded.
    static func escaped(_ name: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: ","): bytes += [UInt8(ascii: "=")] + comma
            case UInt8(ascii: "="): bytes += [UInt8(ascii: "=")] + equalsSign
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    static func nonce(_ value: ArraySlice<UInt8>) throws(Violation) -> [UInt8] {
        guard isNonce(value) else { throw Violation("the nonce is not printable ASCII") }
        return Array(value)
    }

    static func isNonce(_ value: some Collection<UInt8>) -> Bool {
        !value.isEmpty && value.allSatisfy { 0x21...0x7E ~= $0 && $0 != UInt8(ascii: ",") }
    }

    static func base64(_ value: ArraySlice<UInt8>) throws(Violation) -> [UInt8] {
        guard let bytes = Base64.decode(Array(value)) else { throw Violation("an attribute is not Base 64") }
        return bytes
    }

    /// A positive number of at most nine digits, without leading zeros.
    static func number(_ value: ArraySlice<UInt8>) throws(Violation) -> Int {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard 1...9 ~= value.count, value.first != UInt8(ascii: "0"), value.allSatisfy(digits.contains) else {
            throw Violation("not a positive number")
        }
        return value.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    static func isText(_ bytes: ArraySlice<UInt8>) -> Bool {
        !bytes.contains(0) && String(validating: bytes, as: UTF8.self) != nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
    }

    private static let reserved = Array("anmrcsipve".utf8)
    private static let comma = Array("2C".utf8)
    private static let equalsSign = Array("3D".utf8)
}
