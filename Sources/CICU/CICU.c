#include "CICU.h"

#include <pthread.h>
#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

static bool has(uint32_t c, UProperty property) {
    return u_hasBinaryProperty((UChar32)c, property);
}

static int32_t value(uint32_t c, UProperty property) {
    return u_getIntPropertyValue((UChar32)c, property);
}

bool icu_is_letter_or_digit(uint32_t c) {
    return U_GET_GC_MASK((UChar32)c)
        & (U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK | U_GC_ND_MASK | U_GC_LM_MASK | U_GC_MN_MASK | U_GC_MC_MASK);
}

bool icu_is_other_visible(uint32_t c) {
    return U_GET_GC_MASK((UChar32)c)
        & (U_GC_LT_MASK | U_GC_NL_MASK | U_GC_NO_MASK | U_GC_ME_MASK | U_GC_ZS_MASK | U_GC_S_MASK | U_GC_P_MASK);
}

bool icu_is_mark(uint32_t c) {
    return U_GET_GC_MASK((UChar32)c) & U_GC_M_MASK;
}

bool icu_is_space(uint32_t c) {
    return U_GET_GC_MASK((UChar32)c) & U_GC_ZS_MASK;
}

bool icu_is_control(uint32_t c) {
    return U_GET_GC_MASK((UChar32)c) & U_GC_CC_MASK;
}

bool icu_is_unassigned(uint32_t c) {
    return (U_GET_GC_MASK((UChar32)c) & U_GC_CN_MASK) && !icu_is_noncharacter(c);
}

bool icu_is_noncharacter(uint32_t c) {
    return has(c, UCHAR_NONCHARACTER_CODE_POINT);
}

bool icu_is_default_ignorable(uint32_t c) {
    return has(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

bool icu_is_jamo(uint32_t c) {
    switch (value(c, UCHAR_HANGUL_SYLLABLE_TYPE)) {
    case U_HST_LEADING_JAMO:
    case U_HST_VOWEL_JAMO:
    case U_HST_TRAILING_JAMO:
        return true;
    default:
        return false;
    }
}

bool icu_is_changed_by_nfkc(uint32_t c) {
    return value(c, UCHAR_NFKC_QUICK_CHECK) == UNORM_NO;
}

bool icu_is_changed_by_nfkc_casefold(uint32_t c) {
    return has(c, UCHAR_CHANGES_WHEN_NFKC_CASEFOLDED);
}

bool icu_is_virama(uint32_t c) {
    return u_getCombiningClass((UChar32)c) == 9;
}

uint32_t icu_without_width(uint32_t c) {
    switch (value(c, UCHAR_DECOMPOSITION_TYPE)) {
    case U_DT_WIDE:
    case U_DT_NARROW:
        break;
    default:
        return c;
    }
    UErrorCode status = U_ZERO_ERROR;
    UChar decomposition[8];
    int32_t count = unorm2_getRawDecomposition(unorm2_getNFKCInstance(&status), (UChar32)c, decomposition, 8, &status);
    // All of them decompose to one code point of the basic plane.
    return U_SUCCESS(status) && count == 1 ? decomposition[0] : c;
}

ICUScript icu_script(uint32_t c) {
    switch (value(c, UCHAR_SCRIPT)) {
    case USCRIPT_GREEK:
        return ICUScriptGreek;
    case USCRIPT_HEBREW:
        return ICUScriptHebrew;
    case USCRIPT_HAN:
        return ICUScriptHan;
    case USCRIPT_HIRAGANA:
        return ICUScriptHiragana;
    case USCRIPT_KATAKANA:
        return ICUScriptKatakana;
    default:
        return ICUScriptOther;
    }
}

ICUJoining icu_joining(uint32_t c) {
    switch (value(c, UCHAR_JOINING_TYPE)) {
    case U_JT_LEFT_JOINING:
        return ICUJoiningLeft;
    case U_JT_RIGHT_JOINING:
        return ICUJoiningRight;
    case U_JT_DUAL_JOINING:
        return ICUJoiningDual;
    case U_JT_TRANSPARENT:
        return ICUJoiningTransparent;
    default:
        return ICUJoiningNone;
    }
}

ICUDirection icu_direction(uint32_t c) {
    switch (u_charDirection((UChar32)c)) {
    case U_LEFT_TO_RIGHT:
        return ICUDirectionLeftToRight;
    case U_RIGHT_TO_LEFT:
    case U_RIGHT_TO_LEFT_ARABIC:
        return ICUDirectionRightToLeft;
    case U_ARABIC_NUMBER:
        return ICUDirectionArabicNumber;
    case U_EUROPEAN_NUMBER:
        return ICUDirectionEuropeanNumber;
    case U_DIR_NON_SPACING_MARK:
        return ICUDirectionNonspacingMark;
    case U_EUROPEAN_NUMBER_SEPARATOR:
    case U_COMMON_NUMBER_SEPARATOR:
    case U_EUROPEAN_NUMBER_TERMINATOR:
    case U_OTHER_NEUTRAL:
    case U_BOUNDARY_NEUTRAL:
        return ICUDirectionNeutral;
    default:
        return ICUDirectionForbidden;
    }
}

/// Overflow of the result is no failure: ICU then returns the size that is needed.
static int32_t checked(int32_t count, UErrorCode status) {
    return U_SUCCESS(status) || status == U_BUFFER_OVERFLOW_ERROR ? count : -1;
}

int32_t icu_lower(const uint16_t *text, int32_t count, uint16_t *result, int32_t capacity) {
    UErrorCode status = U_ZERO_ERROR;
    int32_t needed = u_strToLower(result, capacity, text, count, "", &status);
    return checked(needed, status);
}

static int32_t normalize(
    const UNormalizer2 *form, const uint16_t *text, int32_t count, uint16_t *result, int32_t capacity,
    UErrorCode status) {
    int32_t needed = unorm2_normalize(form, text, count, result, capacity, &status);
    return checked(needed, status);
}

int32_t icu_nfc(const uint16_t *text, int32_t count, uint16_t *result, int32_t capacity) {
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *form = unorm2_getNFCInstance(&status);
    return normalize(form, text, count, result, capacity, status);
}

int32_t icu_nfkc(const uint16_t *text, int32_t count, uint16_t *result, int32_t capacity) {
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *form = unorm2_getNFKCInstance(&status);
    return normalize(form, text, count, result, capacity, status);
}

/// The converter is immutable once opened, and ICU lets all threads use it.
static UIDNA *converter;
static pthread_once_t converter_once = PTHREAD_ONCE_INIT;

static void open_converter(void) {
    UErrorCode status = U_ZERO_ERROR;
    converter = uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE, &status);
}

int32_t icu_label_to_unicode(const uint16_t *label, int32_t count, uint16_t *result, int32_t capacity) {
    pthread_once(&converter_once, open_converter);
    if (!converter) return -1;
    UErrorCode status = U_ZERO_ERROR;
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    int32_t needed = uidna_labelToUnicode(converter, label, count, result, capacity, &info, &status);
    return info.errors ? -1 : checked(needed, status);
}

int32_t icu_label_to_ascii(const uint16_t *label, int32_t count, uint16_t *result, int32_t capacity) {
    pthread_once(&converter_once, open_converter);
    if (!converter) return -1;
    UErrorCode status = U_ZERO_ERROR;
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    int32_t needed = uidna_labelToASCII(converter, label, count, result, capacity, &info, &status);
    return info.errors ? -1 : checked(needed, status);
}
