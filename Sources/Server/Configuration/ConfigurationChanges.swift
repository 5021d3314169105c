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
    /// Whether it belongs to something that has an entry of its own, which alone is named when all of it comes or goes.
    let isPart: Bool

    init(_ path: String, _ text: String, reload: Bool, isPart: Bool = false) {
        self.path = path
        self.text = text
        self.reload = reload
        self.isPart = isPart
    }
}

extension Configuration {
    /// What changes when `new` replaces `old`.
    package static func changes(from old: Configuration, to new: Configuration) -> ConfigurationChanges {
        var changes = ConfigurationChanges()
        let before = Dictionary(old.entries.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(new.entries.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        let removed = old.entries.filter { after[$0.path] == nil }
        for entry in new.entries + removed where before[entry.path]?.text != after[entry.path]?.text {
            let isOnBothSides = before[entry.path] != nil && after[entry.path] != nil
            if isOnBothSides && entry.reload {
                changes.reloadable.append(entry.path)
            } else if isOnBothSides || !entry.isPart {
                changes.restart.append(entry.path)
            }
        }
        return changes
    }

    private var entries: [ConfigurationEntry] {
        domains.flatMap(\.entries)
            + [ConfigurationEntry("listen", "\(listeners)", reload: false)]
            + directories.map(\.entry)
            + components.map(\.entry)
            + [ConfigurationEntry("data", data, reload: false)]
            + settings.map { setting in
                ConfigurationEntry(
                    setting.path, values[setting.path].map(setting.write) ?? setting.defaultText, reload: setting.reload
                )
            }
    }
}
