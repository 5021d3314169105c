/// What the administrator decided: the configuration file, read and checked, with every default filled in.
///
/// A value for the life of the process or until the next reload. Features read their settings once when they start.
package struct Configuration: Sendable {
    /// The domains, in the order of the file; at least one.
    package var domains: [DomainSection]
    package var listeners: [ListenerSection]
    package var directories: [DirectorySection]
    /// The external components, in the order of the file.
    package var components: [ComponentSection]
    /// The directory of the databases and of everything else the server writes.
    package var data: String
    /// The settings that a file could have had.
    let settings: [AnySetting]
    /// The settings that differ from their default, or were written out, as `SettingValue` by path.
    private(set) var values: [String: any Sendable]

    /// A configuration without a file, every setting at its default.
    package init(
        domains: [DomainSection], listeners: [ListenerSection] = ListenerSection.defaults,
        directories: [DirectorySection] = [], components: [ComponentSection] = [], data: String
    ) {
        self.init(
            domains: domains, listeners: listeners, directories: directories, components: components, data: data,
            settings: Self.kernelSettings, values: [:])
    }

    init(
        domains: [DomainSection], listeners: [ListenerSection], directories: [DirectorySection],
        components: [ComponentSection], data: String, settings: [AnySetting], values: [String: any Sendable]
    ) {
        self.domains = domains
        self.listeners = listeners
        self.directories = directories
        self.components = components
        self.data = data
        self.settings = settings
        self.values = values
    }

    /// The value of a setting: from the file, or its default.
    package subscript<Value>(setting: Setting<Value>) -> Value {
        get { (values[setting.path] as? SettingValue<Value>)?.value ?? setting.default }
        set { values[setting.path] = SettingValue(value: newValue) }
    }

    /// What the server runs with when there is no file: the domain `localhost`, reachable from this machine alone.
    package static func embedded(dataDirectory: String) -> Configuration {
        let listeners = ListenerSection.defaults.map { listener in
            var listener = listener
            listener.address = .loopback
            return listener
        }
        return Configuration(domains: [DomainSection(name: "localhost")], listeners: listeners, data: dataDirectory)
    }

    static let kernelSettings = LogSettings.all + AccountSettings.all + LimitSettings.all
}

extension IPAddress {
    /// `127.0.0.1`
    package static let loopback = IPAddress(bits: mappedPrefix | 0x7f00_0001)
}
