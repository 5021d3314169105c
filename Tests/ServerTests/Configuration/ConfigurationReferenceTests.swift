import Testing

@testable import Server

@Suite struct ConfigurationReferenceTests {
    let text = Configuration.reference(settings: SettingsOfEveryKind.all)

    @Test func parsesToTheDefaults() throws {
        let configuration = try Configuration.parse(text, file: "martlet.yaml", settings: SettingsOfEveryKind.all)
        let defaults = Configuration(domains: [DomainSection(name: "localhost")], data: "data")
        #expect(configuration.values.isEmpty)
        #expect(configuration.domains == defaults.domains)
        #expect(configuration.listeners == ListenerSection.defaults)
        #expect(configuration.directories.isEmpty)
        #expect(Configuration.changes(from: defaults, to: configuration).reloadable.isEmpty)
        #expect(configuration[SettingsOfEveryKind.forever] == nil)
        #expect(configuration[LimitSettings.exempt] == .loopback)
    }

    /// Every commented-out line is a valid one, and what it shows is the default.
    @Test func everyShownSettingCanBeUncommented() throws {
        let directory = try ConfigurationDirectory()
        for file in ["certs/example.org.pem", "certs/example.org.key", "certs/directory-ca.pem", "directory.password", "irc.secret"] {
            try directory.write("", to: file)
        }
        let file = directory.path + "/martlet.yaml"
        let uncommented = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let content = line.drop { $0 == " " }
            guard content.hasPrefix("#"), !content.hasPrefix("# "), content != "#" else { return String(line) }
            return String(line.prefix { $0 == " " } + content.dropFirst())
        }
        let full = try Configuration.parse(
            uncommented.joined(separator: "\n"), file: file, settings: SettingsOfEveryKind.all)
        let sparse = try Configuration.parse(text, file: file, settings: SettingsOfEveryKind.all)
        let changes = Configuration.changes(from: sparse, to: full)
        #expect(changes.reloadable == ["domains.localhost.certificate", "domains.localhost.key", "domains.localhost.moved-to"])
        #expect(
            changes.restart == [
                "domains.localhost.archive", "domains.localhost.archive-keep", "listen", "directories.company", "components.irc.example.org",
                "kinds.maybe",
            ])
        #expect(full.values.count == Configuration.kernelSettings.count + SettingsOfEveryKind.all.count)
        #expect(full.directories.first?.filter == "(&(objectClass=person)(uid={user}))")
        #expect(full[SettingsOfEveryKind.maybe] == "x y")
    }

    @Test func saysWhatReloads() {
        #expect(text.contains("\n  # Whether. On or off. (reload)\n  #bool: on\n"))
        #expect(text.contains("\n    # How long. From 1s to 7d, or forever.\n    #keep: forever\n"))
    }

    @Test func keepsToItsWidth() {
        let long = text.split(separator: "\n").filter { $0.count > 100 }
        #expect(long.isEmpty)
    }
}
