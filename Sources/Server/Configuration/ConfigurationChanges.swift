/// What differs between two configurations, and whether a running server can take it over.
package struct ConfigurationChanges: Equatable, Sendable {
    /// Paths whose new value takes effect at a reload.
    package var reloadable: [String] = []
    /// Paths whose new value waits for a restart.
    package var restart: [String] = []

    package var isEmpty: Bool { reloadable.isEmpty && restart.isEmpty }
}

/// One value of a configuration as comparable text.
struct ConfigurationEntry {
    let path: String
    let text: String
    let reload: Bool

    init(_ path: String, _ text: String, reload: Bool) {
        self.path = path
        self.text = text
        self.reload = reload
    }
}

extension Configuration {
    /// What changes when `new` replaces `old`.
    package static func changes(from old: Configuration, to new: Configuration) -> ConfigurationChanges {
        var changes = ConfigurationChanges()
        let before = Dictionary(old.entries.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(new.entries.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        let paths = new.entries.map(\.path) + old.entries.map(\.path).filter { after[$0] == nil }
        for path in paths where before[path]?.text != after[path]?.text {
            // Added and removed domains, directories and settings of other programs' versions have one side only.
            if before[path]?.reload == true, after[path]?.reload == true {
                changes.reloadable.append(path)
            } else {
                changes.restart.append(path)
            }
        }
        return changes
    }

    private var entries: [ConfigurationEntry] {
        domains.flatMap(\.entries)
            + [ConfigurationEntry("listen", "\(listeners)", reload: false)]
            + directories.map(\.entry)
            + [ConfigurationEntry("data", data, reload: false)]
            + settings.map { setting in
                ConfigurationEntry(
                    setting.path, values[setting.path].map(setting.write) ?? setting.defaultText, reload: setting.reload)
            }
    }
}
