extension Configuration {
    /// Brings a domain name into the form in which it is compared, or throws an error whose text says what is wrong.
    package typealias DomainPreparation = @Sendable (String) throws -> String

    /// Reads and checks a configuration file.
    ///
    /// `settings` are those of the features; the kernel's own are added. Every mistake is collected before it throws.
    package static func load(
        path: String, settings: [AnySetting], prepareDomain: DomainPreparation = prepareASCIIDomain
    ) throws(ConfigurationErrors) -> Configuration {
        let bytes: [UInt8]
        do { bytes = try ConfigurationFile.read(path) } catch {
            throw ConfigurationErrors(errors: [ConfigurationError(file: path, position: nil, message: error.message)])
        }
        return try parse(bytes, file: path, settings: settings, prepareDomain: prepareDomain)
    }

    /// Checks the text of a configuration file; `file` is its name in errors and the place that paths are relative to.
    package static func parse(
        _ text: String, file: String, settings: [AnySetting], prepareDomain: DomainPreparation = prepareASCIIDomain
    ) throws(ConfigurationErrors) -> Configuration {
        try parse(Array(text.utf8), file: file, settings: settings, prepareDomain: prepareDomain)
    }

    static func parse(
        _ bytes: [UInt8], file: String, settings: [AnySetting], prepareDomain: DomainPreparation
    ) throws(ConfigurationErrors) -> Configuration {
        var problems: [ConfigurationError] = []
        let catalogue = SettingCatalogue(kernelSettings + settings, reserved: FixedSections.names, problems: &problems)
        guard problems.isEmpty else { throw ConfigurationErrors(errors: problems) }
        let reading = ConfigurationReading(file: file)
        var configuration: Configuration?
        do {
            if let root = try YAMLText.parse(bytes), !root.isNull {
                configuration = read(root, catalogue, reading, prepareDomain)
            } else {
                reading.report(nil, emptyFile)
            }
        } catch {
            reading.report(error.position, error.message)
        }
        guard let configuration, reading.errors.isEmpty else { throw ConfigurationErrors(errors: reading.sortedErrors) }
        return configuration
    }

    private static let emptyFile =
        "is empty; it must name at least one domain, for example \"domains: {example.org: {}}\""

    private static func read(
        _ root: YAMLNode, _ catalogue: SettingCatalogue, _ reading: ConfigurationReading,
        _ prepareDomain: DomainPreparation
    ) -> Configuration? {
        guard let section = SectionReader(root, name: "", reading: reading) else { return nil }
        let settings = catalogue.settings
        var values: [String: any Sendable] = [:]
        read(section, catalogue, elsewhere: settings.map(\.path), fixed: FixedSections.names, &values)
        let fixed = FixedSections(section, prepareDomain: prepareDomain)
        return Configuration(
            domains: fixed.domains, listeners: fixed.listeners, directories: fixed.directories,
            components: fixed.components, data: fixed.data, settings: settings, values: values)
    }

    private static func read(
        _ section: SectionReader, _ catalogue: SettingCatalogue, elsewhere: [String],
        fixed: [String] = [], _ values: inout [String: any Sendable]
    ) {
        for entry in section.entries {
            switch catalogue.entries[entry.key] {
            case .setting(let setting):
                if let value = section.value(of: setting, entry, as: (any Sendable).self) {
                    values[setting.path] = value
                }
            case .section(let inner):
                guard let reader = section.subsection(entry.key) else { continue }
                read(reader, inner, elsewhere: elsewhere, &values)
            case nil:
                continue
            }
        }
        section.rejectUnknown(known: fixed + catalogue.names, elsewhere: elsewhere)
    }

    /// Letters, digits and hyphens in labels (RFC 1123, section 2.1), folded to small letters.
    package static let prepareASCIIDomain: DomainPreparation = { text in
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isValid = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"): true
                    default: false
                    }
                }
        }
        guard isValid, text.utf8.count <= 253 else {
            throw ConfigurationError(
                file: nil, position: nil, message: "write letters, digits and hyphens with dots between them")
        }
        return text.lowercased()
    }
}
