import Testing

@testable import Server

private func parse(_ text: String, file: String = "martlet.yaml") throws -> Configuration {
    try Configuration.parse(text, file: file, settings: SettingsOfEveryKind.all)
}

@Suite struct ConfigurationTests {
    @Test func theSmallestFile() throws {
        let configuration = try parse("domains: {Example.Test: }")
        #expect(configuration.domains == [DomainSection(name: "example.test")])
        #expect(configuration.listeners == ListenerSection.defaults)
        #expect(configuration.data == "data")
    }

    @Test func componentsBringTheirListener() throws {
        let configuration = try parse(
            "domains: {a.test: }\ncomponents: {Irc.a.test: {secret: x, second-connection: replace}}\n")
        var irc = ComponentSection(name: "irc.a.test", secret: .text("x"))
        irc.secondConnection = .replace
        #expect(configuration.components == [irc])
        #expect(configuration.listeners == ListenerSection.defaults + [.component])
        let explicit = try parse(
            """
            domains: {a.test: }
            components: {c.test: {secret: x}}
            listen:
            - {kind: component, port: 1}
            - {kind: component, port: 2, address: 192.0.2.1, tls: none}
            - {kind: component, port: 3, address: "::", tls: direct}
            """)
        #expect(
            explicit.listeners == [
                ListenerSection(kind: .component, port: 1, address: .loopback, tls: .none),
                ListenerSection(kind: .component, port: 2, address: try #require(IPAddress("192.0.2.1")), tls: .none),
                ListenerSection(kind: .component, port: 3, tls: .direct),
            ])
        let changes = Configuration.changes(
            from: configuration, to: try parse("domains: {a.test: }\ncomponents: {Irc.a.test: {secret: y}}\n"))
        #expect(changes.restart == ["components.irc.a.test"])
    }

    @Test func aWholeFile() throws {
        let directory = try ConfigurationDirectory()
        for file in ["certs/a.pem", "certs/a.key", "ca.pem", "password"] { try directory.write("", to: file) }
        try directory.write(
            """
            %YAML 1.1
            ---
            domains:
              b.test:
                accounts: [company, local]
              a.test:
                certificate: certs/a.pem
                key: \(directory.path)/certs/a.key
            listen:
              - {kind: client, port: 5222, address: "::1", tls: none}
              - {kind: client, port: 5223, address: 192.0.2.1, tls: direct}
              - {kind: client, port: 5223, address: 192.0.2.2, tls: direct}
            directories:
              company:
                servers: ["ldaps://one.example.org", "ldaps://[2001:db8::1]:1636/"]
                ca: ca.pem
                bind-dn: cn=martlet,dc=example
                password-file: password
                base: dc=example
                scope: one
                filter: (&(objectClass=user)(sAMAccountName={user}))
                timeouts: {operation: 4s}
              test:
                servers: ["ldap://localhost:3890"]
                tls: none
                user-template: "{user}@example.org"
            data: store
            limits:
              stanza-size: 1M
            kinds:
              deep:
                keep: 7d
            """, to: "martlet.yaml")
        let configuration = try Configuration.load(
            path: directory.path + "/martlet.yaml", settings: SettingsOfEveryKind.all)
        #expect(configuration.domains.map(\.name) == ["b.test", "a.test"])
        #expect(configuration.domains.first?.accounts == [.directory("company"), .local])
        #expect(configuration.domains.last?.certificate == directory.path + "/certs/a.pem")
        #expect(configuration.domains.last?.key == directory.path + "/certs/a.key")
        #expect(configuration.listeners.map(\.address.description) == ["::1", "192.0.2.1", "192.0.2.2"])
        #expect(configuration.listeners.map(\.tls) == [.none, .direct, .direct])
        let company = try #require(configuration.directories.first)
        #expect(company.tls == .ldaps)
        #expect(company.servers.map(\.description) == ["ldaps://one.example.org:636", "ldaps://[2001:db8::1]:1636"])
        #expect(company.passwordFile == directory.path + "/password")
        #expect(company.scope == .oneLevel)
        #expect(company.timeouts.operation == .seconds(4))
        #expect(company.timeouts.connect == .seconds(2))
        #expect(company.limits == DirectorySection.Limits())
        #expect(configuration.directories.last?.userTemplate == "{user}@example.org")
        #expect(configuration.data == directory.path + "/store")
        #expect(configuration[LimitSettings.stanzaSize] == .mebibytes(1))
        #expect(configuration[LimitSettings.depth] == 64)
        #expect(configuration[SettingsOfEveryKind.forever] == .seconds(604_800))
    }

    @Test func windowsLineEndsAndByteOrderMark() throws {
        let configuration = try parse("\u{feff}domains:\r\n  a.test:\r\nlimits:\r\n  depth: 9\r\n")
        #expect(configuration[LimitSettings.depth] == 9)
    }

    @Test func preparationOfDomains() throws {
        let configuration = try Configuration.parse(
            "domains: {bücher.test: }", file: "c", settings: [], prepareDomain: { "xn--" + $0 })
        #expect(configuration.domains.first?.name == "xn--bücher.test")
    }

    @Test func filesThatCannotBeRead() throws {
        let directory = try ConfigurationDirectory()
        func message(_ name: String) -> String? {
            do {
                _ = try Configuration.load(path: name, settings: [])
                return nil
            } catch {
                return error.description
            }
        }
        let missing = directory.path + "/missing.yaml"
        #expect(
            message(missing)
                == "\(missing): does not exist; copy conf/martlet.yaml there and change it, or name another file with --config"
        )
        #expect(message(directory.path) == "\(directory.path): is a directory; name the configuration file in it")
        #expect(message("/dev/null") == "/dev/null: is not a file; name a configuration file")
        try directory.write(String(repeating: "#", count: 5 << 20), to: "large")
        #expect(
            message(directory.path + "/large")
                == "\(directory.path)/large: is larger than 4M; is it a configuration file?")
    }

    @Test func withoutAFile() {
        let configuration = Configuration.embedded(dataDirectory: "somewhere")
        #expect(configuration.domains == [DomainSection(name: "localhost")])
        #expect(configuration.listeners.map(\.port) == [5222, 5223])
        #expect(configuration.listeners.map(\.tls) == [.required, .direct])
        #expect(configuration.listeners.allSatisfy { $0.address.description == "127.0.0.1" })
        #expect(configuration.data == "somewhere")
        #expect(configuration[SettingsOfEveryKind.int] == 1_000)
    }

    @Test func aValueGivenByTheProgram() {
        var configuration = Configuration.embedded(dataDirectory: "x")
        configuration[SettingsOfEveryKind.forever] = .seconds(5)
        #expect(configuration[SettingsOfEveryKind.forever] == .seconds(5))
        configuration[SettingsOfEveryKind.forever] = nil
        #expect(configuration[SettingsOfEveryKind.forever] == .some(nil))
    }

    @Test func changesTellReloadFromRestart() throws {
        let old = try parse("domains: {a.test: , b.test: }\nlimits: {depth: 10}\nkinds: {int: 1000, colour: red}")
        #expect(Configuration.changes(from: old, to: old).isEmpty)
        let same = try parse(
            "kinds: {int: 1_000, colour: red, words: [one, 'two three']}\nlimits: {depth: 10}\ndomains: {a.test: , b.test: }"
        )
        #expect(Configuration.changes(from: old, to: same).isEmpty)
        let new = try parse(
            """
            domains: {a.test: {accounts: [d], moved-to: b.test:6222}, c.test: }
            listen: [{kind: client, port: 6222}]
            directories: {d: {servers: ["ldap://h"], base: x}}
            data: other
            limits: {depth: 11}
            kinds: {bool: off, deep: {size: 1K}}
            """)
        let changes = Configuration.changes(from: old, to: new)
        #expect(changes.reloadable == ["domains.a.test.moved-to", "limits.depth", "kinds.bool"])
        #expect(
            changes.restart == [
                "domains.a.test.accounts", "domains.c.test", "listen", "directories.d", "data", "kinds.colour",
                "kinds.deep.size", "domains.b.test",
            ])
    }
}
