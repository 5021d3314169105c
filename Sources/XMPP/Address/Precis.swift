/// Preparation, enforcement and comparison of internationalized strings (PRECIS, RFC 8264).
///
/// Each function gives the one form in which a text is stored and compared, or throws. Preparing a prepared text gives
/// the same text. Pure functions; any thread may call them.
package enum Precis {
    /// User names whose case does not matter (UsernameCaseMapped, RFC 8265 §3.3).
    package static func usernameCaseMapped(_ text: String) throws(PrecisError) -> String {
        if !text.isEmpty, text.utf8.allSatisfy(ASCIIClass.visible.contains) { return text.lowercased() }
        return try stable(text) { (text) throws(PrecisError) in
            let mapped = UnicodeMapping.widthMapped(text)
            try checkIdentifier(mapped)
            let result = UnicodeMapping.lowercased(mapped).flatMap(UnicodeMapping.composed)
            let scalars = Array((result ?? "").unicodeScalars)
            guard !BidiRule.applies(to: scalars) || BidiRule.isSatisfied(by: scalars) else { throw .mixedDirections }
            return result
        }
    }

    /// Passwords and other opaque text (OpaqueString, RFC 8265 §4.2).
    package static func opaqueString(_ text: String) throws(PrecisError) -> String {
        if !text.isEmpty, text.utf8.allSatisfy(ASCIIClass.resource.contains) { return text }
        return try stable(text) { (text) throws(PrecisError) in
            try checkFreeform(text)
            return UnicodeMapping.composed(spacesMapped(text))
        }
    }

    /// Nicknames as they are shown (Nickname enforcement, RFC 8266 §2.3).
    package static func nickname(_ text: String) throws(PrecisError) -> String {
        try stable(text) { (text) throws(PrecisError) in
            try checkFreeform(text)
            return UnicodeMapping.compatibilityComposed(spacesCollapsed(text))
        }
    }

    /// Nicknames as they are compared (Nickname comparison, RFC 8266 §2.4): two are the same when these are equal.
    package static func nicknameForComparison(_ text: String) throws(PrecisError) -> String {
        try stable(text) { (text) throws(PrecisError) in
            try checkFreeform(text)
            return UnicodeMapping.lowercased(spacesCollapsed(text)).flatMap(UnicodeMapping.compatibilityComposed)
        }
    }

    // MARK: Rules

    /// Applies the rules until they change nothing more, at most four times (RFC 8264 §7).
    private static func stable(
        _ text: String, _ rules: (String) throws(PrecisError) -> String?
    ) throws(PrecisError) -> String {
        var text = text
        for _ in 1...4 {
            guard !text.isEmpty else { throw .empty }
            guard let result = try rules(text) else { break }
            // Swift's == would call canonically equivalent texts equal.
            if result.unicodeScalars.elementsEqual(text.unicodeScalars) { return result }
            text = result
        }
        throw .unstable
    }

    /// Letters, digits and visible ASCII only (IdentifierClass, RFC 8264 §4.2).
    private static func checkIdentifier(_ text: String) throws(PrecisError) {
        try DerivedProperty.check(Array(text.unicodeScalars), by: DerivedProperty.precis)
    }

    /// Also spaces, symbols, punctuation and compatibility characters (FreeformClass, RFC 8264 §4.3).
    private static func checkFreeform(_ text: String) throws(PrecisError) {
        try DerivedProperty.check(Array(text.unicodeScalars), freeform: true, by: DerivedProperty.precis)
    }

    /// Every space character as the ASCII space.
    private static func spacesMapped(_ text: String) -> String {
        UnicodeMapping.mapped(text) { $0.isSpace ? " " : $0 }
    }

    /// Every run of space characters as one ASCII space, none first or last.
    private static func spacesCollapsed(_ text: String) -> String {
        let words = text.unicodeScalars.split(whereSeparator: \.isSpace)
        return words.map { String($0) }.joined(separator: " ")
    }
}
