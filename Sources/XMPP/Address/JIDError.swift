/// Why a text is not an XMPP address, and which part of it is at fault (RFC 7622 §3).
package struct JIDError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Part: String, Hashable, Sendable {
        case address, localpart, domainpart, resourcepart
    }

    package enum Reason: Hashable, Sendable {
        case empty
        /// More than 1023 bytes after preparation.
        case tooLong
        case notUTF8
        /// A character that this part must not contain.
        case forbidden(Unicode.Scalar)
    }

    package let part: Part
    package let reason: Reason

    package init(_ part: Part, _ reason: Reason) {
        self.part = part
        self.reason = reason
    }

    package var description: String {
        "the \(part.rawValue) \(reason)"
    }
}

extension JIDError.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "is empty"
        case .tooLong: "is longer than 1023 bytes"
        case .notUTF8: "is not valid UTF-8"
        case .forbidden(let scalar): "must not contain \(scalar.codePoint)"
        }
    }
}

extension Unicode.Scalar {
    /// The code point as the Unicode standard writes it: `U+00E9`.
    var codePoint: String {
        let digits = String(value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
