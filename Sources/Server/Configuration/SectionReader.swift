/// Reads one section of the file with its settings and reports what does not belong there.
struct SectionReader {
    /// How errors name the section: empty for the whole file, else `limits` or `listen entry 2`.
    let name: String
    let position: TextPosition
    let entries: [YAMLNode.Entry]
    let reading: ConfigurationReading
    /// Between the name of the section and that of a key.
    private let separator: String

    /// Nil if the node is no section, which is reported; a section without content is an empty one.
    init?(_ node: YAMLNode, name: String, separator: String = ".", reading: ConfigurationReading) {
        self.name = name
        self.separator = name.isEmpty ? "" : separator
        self.reading = reading
        position = node.position
        switch node.content {
        case .section(let entries):
            self.entries = entries
        case .null:
            entries = []
        case .scalar, .list:
            let subject = name.isEmpty ? "a configuration" : name
            reading.report(node.position, "\(subject) must be a section of lines \"key: value\", not \(node.found)")
            return nil
        }
    }

    func entry(_ key: String) -> YAMLNode.Entry? { entries.first { $0.key == key } }

    /// The name of a key as errors give it.
    func path(_ key: String) -> String { name + separator + key }

    func report(_ position: TextPosition, _ message: String) { reading.report(position, message) }

    /// The value of a setting whose path is a key of this section; the default if it is absent or wrong.
    func value<Value>(of setting: Setting<Value>) -> Value {
        guard let entry = entry(setting.path) else { return setting.default }
        return value(of: AnySetting(setting), entry, as: SettingValue<Value>.self)?.value ?? setting.default
    }

    /// The value of a file reference, resolved and checked; nil if it is absent or wrong.
    func file(_ setting: Setting<String?>) -> String? {
        guard let path = value(of: setting), let entry = entry(setting.path) else { return nil }
        return reading.readableFile(path, at: entry.value.position, as: self.path(setting.path))
    }

    /// The section under a key; nil if it is absent or no section.
    func subsection(_ key: String) -> SectionReader? {
        entry(key).flatMap { SectionReader($0.value, name: path(key), reading: reading) }
    }

    /// Reports the absence of a key that has no default.
    func require(_ key: String, _ advice: String) {
        if entry(key) == nil { report(position, "\(name) needs \"\(key)\"; \(advice)") }
    }

    func value<Value>(of setting: AnySetting, _ entry: YAMLNode.Entry, as type: Value.Type) -> Value? {
        do {
            return try setting.read(entry.value) as? Value
        } catch {
            report(error.position, "\(path(entry.key)) \(error.text)")
            return nil
        }
    }

    /// Reports every key that is not known here. `elsewhere` are the paths of the whole file, for a key that was
    /// written one level too high or too low.
    func rejectUnknown(known: [String], elsewhere: [String] = []) {
        for entry in entries where !known.contains(entry.key) {
            let place = name.isEmpty ? "" : " in \(name)"
            report(
                entry.position,
                "unknown key \"\(YAMLNode.shortened(entry.key))\"\(place); \(advice(entry.key, known, elsewhere))")
        }
    }

    private func advice(_ key: String, _ known: [String], _ elsewhere: [String]) -> String {
        if let path = elsewhere.first(where: { $0 == key || $0.hasSuffix(".\(key)") }),
            let dot = path.lastIndex(of: ".")
        {
            return "write \"\(path[path.index(after: dot)...])\" below \"\(path[..<dot]):\""
        }
        if let suggestion = Suggestion.nearest(to: key, among: known) { return "did you mean \"\(suggestion)\"?" }
        return known.count <= 16 ? "known here: \(known.joined(separator: ", "))" : "remove it"
    }
}
