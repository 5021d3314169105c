/// Why a text cannot be prepared as an internationalized string (RFC 8264).
package enum PrecisError: Error, Hashable, Sendable {
    /// Nothing is left of the text.
    case empty
    /// The code point is disallowed by the string class or by the part of the address.
    case forbidden(Unicode.Scalar)
    /// The code point is not assigned in the Unicode version of the installed ICU.
    case unassigned(Unicode.Scalar)
    /// The code point is allowed only beside others that are missing here (RFC 5892 appendix A).
    case misplaced(Unicode.Scalar)
    /// Right-to-left characters are mixed with others against RFC 5893 §2.
    case mixedDirections
    /// Preparing the result again changes it again and again (RFC 8264 §7).
    case unstable
}

extension PrecisError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "is empty"
        case .forbidden(let scalar): "must not contain \(scalar.codePoint)"
        case .unassigned(let scalar): "contains \(scalar.codePoint), which is not a known character"
        case .misplaced(let scalar): "contains \(scalar.codePoint) where it is not allowed"
        case .mixedDirections: "mixes right-to-left characters with others in a way that is not allowed"
        case .unstable: "has no stable prepared form"
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
