/// An entry that a search returned: its DN and the attributes that were asked for.
package struct DirectoryEntry: Sendable, Equatable {
    package let dn: String
    /// By the attribute's name in lower case, options such as `;lang-en` included.
    private let values: [String: [[UInt8]]]

    init(dn: String, values: [(String, [[UInt8]])]) {
        self.dn = dn
        self.values = Dictionary(values.map { ($0.lowercased(), $1) }, uniquingKeysWith: +)
    }

    /// The values of an attribute, none if the entry does not show it.
    package subscript(attribute: String) -> [[UInt8]] { values[attribute.lowercased()] ?? [] }
}
