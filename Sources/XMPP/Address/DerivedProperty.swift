/// What a code point may be used for, computed from its Unicode properties (RFC 8264 §8, RFC 5892 §3).
enum DerivedProperty: Equatable {
    case valid
    /// Valid in free-form text, not in identifiers.
    case freeformOnly
    /// Valid where `ContextRule` says so.
    case contextual
    case disallowed
    case unassigned

    /// The property for the string classes of PRECIS (RFC 8264 §8).
    static func precis(_ scalar: Unicode.Scalar) -> DerivedProperty {
        if let exception = exception(scalar) { return exception }
        if ("!"..."~").contains(scalar) { return .valid }
        if scalar.isUnassigned { return .unassigned }
        if isJoinControl(scalar) { return .contextual }
        if scalar.isOldHangulJamo || scalar.isDefaultIgnorable || scalar.isNoncharacter { return .disallowed }
        if scalar.isControl { return .disallowed }
        if scalar.hasCompatibilityEquivalent { return .freeformOnly }
        if scalar.isLetterOrDigit { return .valid }
        return scalar.isOtherVisible ? .freeformOnly : .disallowed
    }

    /// The property for labels of domain names (RFC 5892 §3).
    static func idna(_ scalar: Unicode.Scalar) -> DerivedProperty {
        if let exception = exception(scalar) { return exception }
        if scalar.isASCII { return ASCIIClass.label.contains(UInt8(scalar.value)) ? .valid : .disallowed }
        if scalar.isUnassigned { return .unassigned }
        if isJoinControl(scalar) { return .contextual }
        if scalar.isUnstable || scalar.isDefaultIgnorable || scalar.isNoncharacter || scalar.isOldHangulJamo {
            return .disallowed
        }
        if isInIgnorableBlock(scalar) { return .disallowed }
        return scalar.isLetterOrDigit ? .valid : .disallowed
    }

    /// Code points that the Unicode properties would put elsewhere (RFC 5892 §2.6, RFC 8264 §9.6).
    private static func exception(_ scalar: Unicode.Scalar) -> DerivedProperty? {
        switch scalar {
        case "\u{DF}", "\u{3C2}", "\u{6FD}", "\u{6FE}", "\u{F0B}", "\u{3007}":
            .valid
        case "\u{B7}", "\u{375}", "\u{5F3}", "\u{5F4}", "\u{30FB}", "\u{660}"..."\u{669}", "\u{6F0}"..."\u{6F9}":
            .contextual
        case "\u{640}", "\u{7FA}", "\u{302E}", "\u{302F}", "\u{3031}"..."\u{3035}", "\u{303B}":
            .disallowed
        default:
            nil
        }
    }

    private static func isJoinControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\u{200C}" || scalar == "\u{200D}"
    }

    /// Combining marks for symbols, musical symbols, ancient Greek musical notation (RFC 5892 §2.4).
    private static func isInIgnorableBlock(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\u{20D0}"..."\u{20FF}", "\u{1D100}"..."\u{1D1FF}", "\u{1D200}"..."\u{1D24F}": true
        default: false
        }
    }
}

extension DerivedProperty {
    /// Throws unless every code point is valid by itself or in its context.
    static func check(
        _ text: [Unicode.Scalar], freeform: Bool = false, by property: (Unicode.Scalar) -> DerivedProperty
    ) throws(PrecisError) {
        for (place, scalar) in text.enumerated() {
            switch property(scalar) {
            case .valid: continue
            case .freeformOnly: if !freeform { throw .forbidden(scalar) }
            case .contextual: if !ContextRule.allows(text, at: place) { throw .misplaced(scalar) }
            case .disallowed: throw .forbidden(scalar)
            case .unassigned: throw .unassigned(scalar)
            }
        }
    }
}
