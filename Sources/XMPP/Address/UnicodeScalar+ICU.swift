import CICU

/// What ICU knows of a code point; all of it comes from ICU, so that one version of Unicode answers every question.
extension Unicode.Scalar {
    /// A letter or digit in the narrow sense (RFC 8264 §9.1).
    var isLetterOrDigit: Bool { icu_is_letter_or_digit(value) }

    /// Another letter or digit, a space, a symbol or punctuation (RFC 8264 §9.14–9.16, 9.18).
    var isOtherVisible: Bool { icu_is_other_visible(value) }

    var isMark: Bool { icu_is_mark(value) }

    var isSpace: Bool { icu_is_space(value) }

    var isControl: Bool { icu_is_control(value) }

    var isNoncharacter: Bool { icu_is_noncharacter(value) }

    /// A code point that some later version of Unicode may assign (RFC 8264 §9.10).
    var isUnassigned: Bool { icu_is_unassigned(value) }

    var isDefaultIgnorable: Bool { icu_is_default_ignorable(value) }

    /// A conjoining jamo (RFC 8264 §9.9).
    var isOldHangulJamo: Bool { icu_is_jamo(value) }

    /// NFKC changes the code point (RFC 8264 §9.17).
    var hasCompatibilityEquivalent: Bool { icu_is_changed_by_nfkc(value) }

    /// Case folding and NFKC change the code point (RFC 5892 §2.2).
    var isUnstable: Bool { icu_is_changed_by_nfkc_casefold(value) }

    /// The canonical combining class is Virama.
    var isVirama: Bool { icu_is_virama(value) }

    /// What a fullwidth or halfwidth form decomposes to; any other code point is itself.
    var withoutWidth: Unicode.Scalar { Unicode.Scalar(icu_without_width(value)) ?? self }

    var script: ICUScript { icu_script(value) }

    var joining: ICUJoining { icu_joining(value) }

    var direction: ICUDirection { icu_direction(value) }
}
