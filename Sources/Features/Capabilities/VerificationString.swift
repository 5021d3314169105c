package import TLS
package import XMPP

/// The short form of all that an entity tells of itself in service discovery (XEP-0115 §5.1).
package struct VerificationString: Sendable, Hashable, CustomStringConvertible {
    /// An identity as service discovery tells it (XEP-0030 §3.1).
    package struct Identity: Sendable, Hashable {
        package var category: String
        package var type: String
        /// `xml:lang`
        package var language: String?
        package var name: String?

        package init(category: String, type: String, language: String? = nil, name: String? = nil) {
            self.category = category
            self.type = type
            self.language = language
            self.name = name
        }
    }

    /// The SHA-1 digest in base 64: the value of `ver`.
    package let description: String

    /// - Parameter forms: each with its `FORM_TYPE`; one without is not looked at (§5.4).
    package init(identities: [Identity], features: [String], forms: [DataForm], hash: Hash = .sha1) {
        let text = Self.text(identities: identities, features: features, forms: forms)
        description = String(decoding: Base64.encode(hash.digest(Array(text.utf8))), as: UTF8.self)
    }

    /// The text S of §5.1.
    static func text(identities: [Identity], features: [String], forms: [DataForm]) -> String {
        var parts: [String] = []
        for identity in sorted(identities, by: \.category, \.type, { $0.language ?? "" }) {
            parts.append("\(identity.category)/\(identity.type)/\(identity.language ?? "")/\(identity.name ?? "")")
        }
        parts += sorted(features, by: \.self)
        let typed = forms.compactMap { form in
            form.fields.first { $0.name == "FORM_TYPE" }?.values.first.map { (type: $0, fields: form.fields) }
        }
        for form in sorted(typed, by: \.type) {
            parts.append(form.type)
            for field in sorted(form.fields, by: \.name) where field.name != "FORM_TYPE" {
                parts.append(field.name)
                parts += sorted(field.values, by: \.self)
            }
        }
        return parts.map { $0 + "<" }.joined()
    }

    /// In the order of bytes (`i;octet`, RFC 4790 §9.3), which Swift's comparison of strings is not.
    private static func sorted<Item>(_ items: [Item], by keys: ((Item) -> String)...) -> [Item] {
        items.sorted { left, right in
            for key in keys {
                let (left, right) = (key(left).utf8, key(right).utf8)
                if left.lexicographicallyPrecedes(right) { return true }
                if right.lexicographicallyPrecedes(left) { return false }
            }
            return false
        }
    }
}
