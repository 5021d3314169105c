/// The declared settings as the tree of sections that the file must follow.
struct SettingCatalogue: Sendable {
    indirect enum Entry: Sendable {
        case setting(AnySetting)
        case section(SettingCatalogue)
    }

    private(set) var names: [String] = []
    private(set) var entries: [String: Entry] = [:]

    /// Every setting below, in the order of declaration within its section.
    var settings: [AnySetting] {
        names.flatMap { name in
            switch entries[name] {
            case .setting(let setting): [setting]
            case .section(let section): section.settings
            case nil: [AnySetting]()
            }
        }
    }

    init() {}

    /// Collects settings; what contradicts another declaration is left out and reported in `problems`.
    init(_ settings: [AnySetting], reserved: [String], problems: inout [ConfigurationError]) {
        for setting in settings {
            let parts = setting.path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            if !parts.allSatisfy(Self.isName) || parts.count < 2 {
                problems.append(
                    .declaration(setting, "must be written section.key in small letters, digits and hyphens"))
            } else if let first = parts.first, reserved.contains(first) {
                problems.append(.declaration(setting, "lies in the section \"\(first)\", which has a fixed structure"))
            } else if !setting.isDefaultValid() {
                problems.append(
                    .declaration(setting, "has the default \(setting.defaultText), but must be \(setting.expectation)"))
            } else if !insert(setting, parts[...]) {
                problems.append(.declaration(setting, "is declared twice, or is also the name of a section"))
            }
        }
    }

    private mutating func insert(_ setting: AnySetting, _ parts: ArraySlice<String>) -> Bool {
        guard let name = parts.first else { return false }
        let rest = parts.dropFirst()
        switch entries[name] {
        case nil:
            names.append(name)
            if rest.isEmpty {
                entries[name] = .setting(setting)
                return true
            }
            var section = Self()
            let inserted = section.insert(setting, rest)
            entries[name] = .section(section)
            return inserted
        case .section(var section) where !rest.isEmpty:
            let inserted = section.insert(setting, rest)
            entries[name] = .section(section)
            return inserted
        case .section, .setting:
            return false
        }
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7a).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
        }
    }
}

extension ConfigurationError {
    fileprivate static func declaration(_ setting: AnySetting, _ message: String) -> Self {
        Self(file: nil, position: nil, message: "setting \"\(setting.path)\" \(message)")
    }
}
