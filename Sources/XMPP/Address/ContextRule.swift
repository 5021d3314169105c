import CICU

/// The rules for code points that are allowed only beside certain others (RFC 5892 appendix A).
enum ContextRule {
    /// Whether the code point at `place`, which needs context, is allowed there.
    static func allows(_ text: [Unicode.Scalar], at place: Int) -> Bool {
        let before = place > 0 ? text[place - 1] : nil
        let after = place + 1 < text.count ? text[place + 1] : nil
        switch text[place] {
        case "\u{200C}":  // zero width non-joiner
            return before?.isVirama == true || joins(text, around: place)
        case "\u{200D}":  // zero width joiner
            return before?.isVirama == true
        case "\u{B7}":  // middle dot
            return before == "l" && after == "l"
        case "\u{375}":  // Greek lower numeral sign
            return after?.script == .greek
        case "\u{5F3}", "\u{5F4}":  // Hebrew geresh, gershayim
            return before?.script == .hebrew
        case "\u{30FB}":  // katakana middle dot
            return text.contains { [.hiragana, .katakana, .han].contains($0.script) }
        case "\u{660}"..."\u{669}":  // Arabic-Indic digits
            return !text.contains { ("\u{6F0}"..."\u{6F9}").contains($0) }
        case "\u{6F0}"..."\u{6F9}":  // extended Arabic-Indic digits
            return !text.contains { ("\u{660}"..."\u{669}").contains($0) }
        default:
            return false
        }
    }

    /// Whether the letters on both sides of `place`, apart from transparent ones, would join across it.
    private static func joins(_ text: [Unicode.Scalar], around place: Int) -> Bool {
        let before = text[..<place].last { $0.joining != .transparent }?.joining
        let after = text[(place + 1)...].first { $0.joining != .transparent }?.joining
        return (before == .left || before == .dual) && (after == .right || after == .dual)
    }
}
