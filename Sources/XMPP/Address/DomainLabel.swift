/// One label of a domain name: an NR-LDH label or a U-label (RFC 5890 §2.3, RFC 5891 §5).
enum DomainLabel {
    /// Turns an A-label into its U-label and checks it. The text is mapped already.
    static func prepare(_ text: String) throws(JIDError.Label) -> String {
        guard !text.isEmpty else { throw .text(.empty) }
        guard text.utf8.starts(with: "xn--".utf8) else {
            try check(text)
            return text
        }
        guard text.utf8.count <= 63 else { throw .tooLong }
        guard let label = UnicodeMapping.uLabel(text), !label.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw .notALabel
        }
        try check(label)
        guard UnicodeMapping.aLabel(label) == text else { throw .notALabel }
        return label
    }

    private static func check(_ label: String) throws(JIDError.Label) {
        let scalars = Array(label.unicodeScalars)
        guard scalars.first != "-", scalars.last != "-",
            !(scalars.count >= 4 && scalars[2] == "-" && scalars[3] == "-")
        else { throw .hyphens }
        if let first = scalars.first, first.isMark { throw .text(.misplaced(first)) }
        do {
            try DerivedProperty.check(scalars, by: DerivedProperty.idna)
        } catch {
            throw .text(error)
        }
        if scalars.allSatisfy(\.isASCII) {
            guard scalars.count <= 63 else { throw .tooLong }
        } else {
            guard UnicodeMapping.composed(label)?.unicodeScalars.elementsEqual(scalars) == true else {
                throw .text(.unstable)
            }
            // Each scalar takes a byte at least; converting a long label would be slow.
            guard scalars.count < 63, UnicodeMapping.aLabel(label) != nil else { throw .tooLong }
        }
    }
}
