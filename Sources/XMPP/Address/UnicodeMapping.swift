import CICU

/// Mappings of whole texts, done by ICU.
enum UnicodeMapping {
    /// Unicode's toLowercase without the rules of any language (RFC 8264 §5.2.3).
    static func lowercased(_ text: String) -> String? { convert(text, icu_lower) }

    /// Normalization form C.
    static func composed(_ text: String) -> String? { convert(text, icu_nfc) }

    /// Normalization form KC.
    static func compatibilityComposed(_ text: String) -> String? { convert(text, icu_nfkc) }

    /// Fullwidth and halfwidth forms replaced by their decomposition (RFC 8264 §5.2.1).
    static func widthMapped(_ text: String) -> String { mapped(text, \.withoutWidth) }

    /// The U-label of an A-label (RFC 5891 §5.3), or nil where ICU finds fault with it.
    static func uLabel(_ label: String) -> String? { convert(label, icu_label_to_unicode) }

    /// The A-label of a U-label (RFC 5891 §5.5), or nil where ICU finds fault with it or it is longer than 63 bytes.
    static func aLabel(_ label: String) -> String? { convert(label, icu_label_to_ascii) }

    static func mapped(_ text: String, _ mapping: (Unicode.Scalar) -> Unicode.Scalar) -> String {
        var result = String.UnicodeScalarView()
        result.append(contentsOf: text.unicodeScalars.map(mapping))
        return String(result)
    }

    private static func convert(
        _ text: String,
        _ conversion: (UnsafePointer<UInt16>?, Int32, UnsafeMutablePointer<UInt16>?, Int32) -> Int32
    ) -> String? {
        let source = Array(text.utf16)
        guard let count = Int32(exactly: source.count) else { return nil }
        var capacity = source.count + 32
        while true {
            var needed = 0
            let result = [UInt16](unsafeUninitializedCapacity: capacity) { buffer, written in
                needed = Int(conversion(source, count, buffer.baseAddress, Int32(clamping: buffer.count)))
                written = min(max(needed, 0), buffer.count)
            }
            if needed < 0 { return nil }
            if needed <= result.count { return String(decoding: result, as: UTF16.self) }
            capacity = needed
        }
    }
}
