#pragma once
#include <stdbool.h>
#include <stdint.h>

// The few questions that addresses have for ICU. ICU's own headers are not shown to Swift: Foundation brings an ICU of
// another version, and a Swift file cannot see both.

/// Ll, Lu, Lo, Nd, Lm, Mn or Mc.
bool icu_is_letter_or_digit(uint32_t c);
/// Lt, Nl, No or Me; a space, symbol or punctuation.
bool icu_is_other_visible(uint32_t c);
bool icu_is_mark(uint32_t c);
bool icu_is_space(uint32_t c);
bool icu_is_control(uint32_t c);
/// A later version of Unicode may assign the code point.
bool icu_is_unassigned(uint32_t c);
bool icu_is_noncharacter(uint32_t c);
bool icu_is_default_ignorable(uint32_t c);
/// A conjoining jamo.
bool icu_is_jamo(uint32_t c);
/// NFKC changes the code point.
bool icu_is_changed_by_nfkc(uint32_t c);
/// NFKC with case folding changes the code point.
bool icu_is_changed_by_nfkc_casefold(uint32_t c);
/// The canonical combining class is Virama.
bool icu_is_virama(uint32_t c);

/// What a fullwidth or halfwidth code point decomposes to; any other is given back.
uint32_t icu_without_width(uint32_t c);

typedef enum __attribute__((enum_extensibility(closed))) {
    ICUScriptOther,
    ICUScriptGreek,
    ICUScriptHebrew,
    ICUScriptHan,
    ICUScriptHiragana,
    ICUScriptKatakana
} ICUScript;
ICUScript icu_script(uint32_t c);

typedef enum __attribute__((enum_extensibility(closed))) {
    ICUJoiningNone,
    ICUJoiningLeft,
    ICUJoiningRight,
    ICUJoiningDual,
    ICUJoiningTransparent
} ICUJoining;
ICUJoining icu_joining(uint32_t c);

/// Classes of the bidirectional algorithm, as far as RFC 5893 tells them apart.
typedef enum __attribute__((enum_extensibility(closed))) {
    /// L
    ICUDirectionLeftToRight,
    /// R, AL
    ICUDirectionRightToLeft,
    /// AN
    ICUDirectionArabicNumber,
    /// EN
    ICUDirectionEuropeanNumber,
    /// NSM
    ICUDirectionNonspacingMark,
    /// ES, CS, ET, ON, BN
    ICUDirectionNeutral,
    /// B, S, WS and the formatting characters
    ICUDirectionForbidden
} ICUDirection;
ICUDirection icu_direction(uint32_t c);

// Texts are UTF-16. Each function returns how many units the result has, which may be more than it was allowed to write
// to `result`, or a negative number when the text has no such form.

/// Unicode's toLowercase without the rules of any language.
int32_t icu_lower(const uint16_t *text, int32_t count, uint16_t *result, int32_t capacity);
int32_t icu_nfc(const uint16_t *text, int32_t count, uint16_t *result, int32_t capacity);
int32_t icu_nfkc(const uint16_t *text, int32_t count, uint16_t *result, int32_t capacity);
/// One label of a domain name, from A-label to U-label.
int32_t icu_label_to_unicode(const uint16_t *label, int32_t count, uint16_t *result, int32_t capacity);
/// One label of a domain name, from U-label to A-label.
int32_t icu_label_to_ascii(const uint16_t *label, int32_t count, uint16_t *result, int32_t capacity);
