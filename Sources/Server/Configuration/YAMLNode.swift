/// A value of a YAML document with its place: text not yet interpreted, a list, or a section.
struct YAMLNode: Sendable {
    struct Entry: Sendable {
        let key: String
        let position: TextPosition
        let value: YAMLNode
    }

    enum Content: Sendable {
        /// Nothing after the colon, `~` or `null`.
        case null
        case scalar(String, quoted: Bool)
        case list([YAMLNode])
        case section([Entry])
    }

    let position: TextPosition
    let content: Content

    var isNull: Bool {
        if case .null = content { true } else { false }
    }

    /// What was written, as the end of "must be a number, not …".
    var found: String {
        switch content {
        case .null: "nothing"
        case .scalar(let text, _): "\"\(Self.shortened(text))\""
        case .list: "a list"
        case .section: "a section"
        }
    }

    /// An error stays one line whatever was written.
    static func shortened(_ text: String) -> String {
        let line = text.unicodeScalars.prefix(60).map { $0.properties.generalCategory == .control ? " " : String($0) }
        return line.joined() + (text.unicodeScalars.count > 60 ? "…" : "")
    }
}
