"""Texts and what other implementations prepare them to: precis-i18n (RFC 8264-8266) and idna (RFC 5891).

Writes records to standard output: a letter for the function, the text, 0xFF, the prepared text or nothing where it is
refused, 0xFF; all in UTF-8, in which 0xFF never occurs. The texts are the same at every run.

Only characters that Python's Unicode version knows are used. The rules and tables are those of the two packages; put
together here are only the steps that they leave to their callers:
- The string class is checked before the mappings, as RFC 8265 section 3.3.2 and 4.2.1 and RFC 8266 section 2.2 say.
  precis-i18n checks it only afterwards and so accepts, for example, U+212A KELVIN SIGN, whose lower case is k.
- The rules are applied until the text is stable, at most four times (RFC 8264 section 7). precis-i18n refuses a user
  name that changes at the second time.
- Case, width, composition and U+3002 are mapped in domain names (RFC 5895), and every label of a name with a
  right-to-left label is put under the Bidi rule (RFC 5893 section 2). idna looks at each label by itself.
- Characters that are valid in labels as they stand keep their case. These are the upper-case letters of Cherokee,
  which case folding maps to, not from; their lower-case letters are the ones that RFC 5892 section 2.2 disallows.
"""

import random
import sys
import unicodedata

try:
    import idna
    import idna.idnadata
    import idna.intranges
    import precis_i18n
except ImportError as error:
    sys.exit(f"{error}; install it with: python3 -m pip install precis-i18n idna")

USERNAME = precis_i18n.get_profile("UsernameCaseMapped")
OPAQUE = precis_i18n.get_profile("OpaqueString")
NICKNAME = precis_i18n.get_profile("NicknameCasePreserved")
NICKNAME_COMPARED = precis_i18n.get_profile("NicknameCaseMapped:ToLower")


def stable(profile, text):
    for _ in range(4):
        if not text:
            raise ValueError("empty")
        profile.base.enforce(profile.width_mapping_rule(text))
        result = profile.apply_five_rules(text)
        if result == text:
            return result
        text = result
    raise ValueError("unstable")


def narrowed(char):
    decomposition = unicodedata.decomposition(char)
    if decomposition.startswith(("<wide>", "<narrow>")):
        return chr(int(decomposition.split()[1], 16))
    return char


def lowered(char):
    valid = idna.intranges.intranges_contain(ord(char), idna.idnadata.codepoint_classes["PVALID"])
    return char if valid else char.lower()


def domain(text):
    text = "".join(lowered(char) for char in text)
    text = unicodedata.normalize("NFC", "".join(narrowed(char) for char in text)).replace("\u3002", ".")
    labels = text.removesuffix(".").split(".")
    for place, label in enumerate(labels):
        if label.startswith("xn--"):
            labels[place] = idna.ulabel(label)
        idna.alabel(labels[place])
    if any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for label in labels for char in label):
        for label in labels:
            idna.check_bidi(label, check_ltr=True)
    return ".".join(labels)


FUNCTIONS = {
    "U": lambda text: stable(USERNAME, text),
    "O": lambda text: stable(OPAQUE, text),
    "N": lambda text: stable(NICKNAME, text),
    "C": lambda text: stable(NICKNAME_COMPARED, text),
    "D": domain,
}


def emit(function, text):
    try:
        result = FUNCTIONS[function](text).encode()
    except ValueError:
        result = b""
    sys.stdout.buffer.write(b"".join((function.encode(), text.encode(), b"\xff", result, b"\xff")))


def known(*ranges):
    """The assigned code points of ranges written as in the Unicode charts."""
    return [
        chr(code)
        for first, last in ranges
        for code in range(first, last + 1)
        if unicodedata.category(chr(code)) not in ("Cn", "Cs")
    ]


POOLS = [
    known((0x21, 0x7E)),
    known((0x61, 0x7A), (0x30, 0x39), (0x2D, 0x2E)),
    known((0x00, 0x20), (0x7F, 0xBF)),
    known((0xC0, 0x24F)),
    known((0x1E00, 0x1EFF), (0x212A, 0x212B)),
    known((0x300, 0x36F), (0x345, 0x345)),
    known((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    known((0x3A3, 0x3A3), (0x3C2, 0x3C3), (0x391, 0x3C9), (0x41, 0x5A)),
    known((0x400, 0x4FF), (0x1C80, 0x1C8F)),
    known((0x590, 0x5FF), (0xFB1D, 0xFB4F), (0x5F3, 0x5F4)),
    known((0x600, 0x6FF)),
    known((0x627, 0x64A), (0x660, 0x669), (0x6F0, 0x6F9), (0x30, 0x39), (0x200C, 0x200D)),
    known((0x700, 0x8FF)),
    known((0x900, 0x9FF), (0x200C, 0x200D)),
    known((0xA00, 0xDFF), (0x200C, 0x200D)),
    known((0xE00, 0x10FF), (0x10A0, 0x10C5), (0x1C90, 0x1CBF)),
    known((0x1100, 0x11FF), (0xA960, 0xA97C), (0xD7B0, 0xD7FB)),
    known((0xAC00, 0xAC60), (0x1161, 0x1175), (0x11A8, 0x11C2)),
    known((0x1200, 0x18AF)),
    known((0x2000, 0x206F)),
    known((0x2070, 0x218F), (0x2460, 0x24FF), (0xB7, 0xB7), (0x6C, 0x6C)),
    known((0x2190, 0x27BF), (0x1F300, 0x1F6FF)),
    known((0x3000, 0x303F), (0x3041, 0x30FF)),
    known((0x4E00, 0x4E40), (0xF900, 0xFA6D), (0x2F00, 0x2FD5), (0x30FB, 0x30FB)),
    known((0xFF00, 0xFFEF)),
    known((0xA000, 0xABFF)),
    known((0xFB00, 0xFDFF), (0xFE00, 0xFEFF)),
    known((0x10000, 0x10FFF)),
    known((0x11000, 0x12FFF)),
    known((0x16000, 0x1BCFF)),
    known((0x1D000, 0x1D7FF)),
    known((0x1E000, 0x1EFFF)),
    known((0xE0000, 0xE01EF), (0xE000, 0xE010), (0xFFF9, 0xFFFD)),
    known((0x0340, 0x0344), (0x0958, 0x095F), (0x2126, 0x2126), (0x1F71, 0x1F7D), (0x0130, 0x0131), (0x1E9E, 0x1E9E)),
]


UNIFORM = [(0x3400, 0x9FFF), (0xAC00, 0xD7A3), (0x17000, 0x18CD5), (0x20000, 0x2F7FF), (0x30000, 0x3FFFD)]


def mix(source):
    pools = source.choices(POOLS, k=source.choice((1, 1, 2, 2, 3)))
    return "".join(source.choice(source.choice(pools)) for _ in range(source.randint(1, 7)))


def main():
    # Ideographs and Hangul syllables, two thirds of all, are alike; they are tried eight at a time.
    for first, last in UNIFORM:
        chars = known((first, last))
        for place in range(0, len(chars), 8):
            for function in "UD":
                emit(function, "".join(chars[place : place + 8]))
    for char in known((0, 0x10FFFF)):
        code = ord(char)
        if any(first <= code <= last for first, last in UNIFORM) or unicodedata.category(char) == "Co" and code % 1000:
            continue
        for function in FUNCTIONS:
            emit(function, char)
        if unicodedata.category(char)[0] == "M":
            emit("D", "a" + char)

    source = random.Random(7622)
    for _ in range(30_000):
        emit("U", mix(source))
        emit("O", mix(source))
        emit("N", mix(source))
        emit("C", mix(source) + source.choice(("", " ", "  ")) + mix(source))
        emit("D", mix(source))
    for _ in range(20_000):
        # Most mixes are refused for one character; these have a fair chance.
        name = source.choice(POOLS[3:26])
        label = "".join(source.choice(name) for _ in range(source.randint(1, 4)))
        emit("U", label)
        emit("D", label + source.choice((".", "\u3002", "\uff0e")) + source.choice(("example", "1a", "b-c", "\u05d0")))
        try:
            encoded = label.encode("punycode").decode()
        except UnicodeError:
            continue
        emit("D", source.choice(("xn--", "XN--")) + encoded)


main()
