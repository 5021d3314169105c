/// Writes the reference configuration: every key with its comment and, commented out, its default.
struct ReferenceText {
    private(set) var text = ""

    private static let width = 100

    /// A paragraph of comment.
    mutating func comment(_ paragraph: String, indent: Int = 0) {
        let margin = String(repeating: " ", count: indent) + "#"
        var line = margin
        for word in paragraph.split(separator: " ") {
            if line.count + 1 + word.count > Self.width, line != margin {
                text += line + "\n"
                line = margin
            }
            line += " " + word
        }
        text += line + "\n"
    }

    mutating func line(_ line: String, indent: Int = 0) {
        text += String(repeating: " ", count: indent) + line + "\n"
    }

    mutating func blank() { text += "\n" }

    /// A key with its comment. Without the `#` the line is the setting.
    mutating func setting(_ key: String, _ setting: AnySetting, indent: Int) {
        var words = [setting.comment]
        if let range = setting.range { words.append("\(range).") }
        if setting.reload { words.append("(reload)") }
        comment(words.joined(separator: " "), indent: indent)
        line("#\(key): \(setting.shown)", indent: indent)
    }

    /// The settings of a section, which may hold sections; its own line is never commented out, so that any key in it
    /// can be changed by itself.
    mutating func section(_ name: String, _ catalogue: SettingCatalogue, indent: Int = 0) {
        line("\(name):", indent: indent)
        for (index, name) in catalogue.names.enumerated() {
            if index > 0 { blank() }
            switch catalogue.entries[name] {
            case .setting(let setting): self.setting(name, setting, indent: indent + 2)
            case .section(let inner): section(name, inner, indent: indent + 2)
            case nil: continue
            }
        }
    }
}
