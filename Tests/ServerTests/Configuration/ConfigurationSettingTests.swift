import Testing

@testable import Server

/// One setting of each kind, as a feature would declare them.
enum SettingsOfEveryKind {
    enum Colour: String, CaseIterable { case red, green, blue }

    static let bool = Setting("kinds.bool", default: true, reload: true, "Whether.")
    static let int = Setting("kinds.int", default: 1_000, in: 0...1_000_000, reload: true, "How many.")
    static let text = Setting("kinds.text", default: "a: b", "What.")
    static let maybe = Setting("kinds.maybe", example: "x y", "What, if anything.")
    static let colour = Setting("kinds.colour", default: Colour.green, "Which.")
    static let time = Setting("kinds.time", default: .seconds(90), in: .seconds(1)...(.seconds(604_800)), "How long.")
    static let forever = Setting(
        "kinds.deep.keep", default: nil, in: .seconds(1)...(.seconds(604_800)), none: "forever", "How long.")
    static let size = Setting(
        "kinds.deep.size", default: .kibibytes(256), in: ByteCount(0)...(.gibibytes(2)), "How large.")
    static let words = Setting("kinds.words", default: ["one", "two three"], "Which.")
    static let addresses = Setting("kinds.addresses", default: .loopback, "From where.")

    static let all = [
        AnySetting(bool), AnySetting(int), AnySetting(text), AnySetting(maybe), AnySetting(colour), AnySetting(time),
        AnySetting(forever), AnySetting(size), AnySetting(words), AnySetting(addresses),
    ]
}

/// A configuration with one section of settings, or the messages of its errors without their place.
private func read(_ lines: String) -> Result<Configuration, ConfigurationErrors> {
    let text = "domains: {a.test: }\nkinds: {\(lines)}\n"
    return Result { () throws(ConfigurationErrors) in
        try Configuration.parse(text, file: "c", settings: SettingsOfEveryKind.all)
    }
}

private func value<Value>(_ lines: String, _ setting: Setting<Value>) -> Value? {
    try? read(lines).get()[setting]
}

private func message(_ lines: String) -> String? {
    guard case .failure(let errors) = read(lines) else { return nil }
    return errors.errors.map(\.message).joined(separator: "\n")
}

@Suite struct ConfigurationSettingTests {
    @Test func anAbsentSettingHasItsDefault() {
        #expect(value("", SettingsOfEveryKind.bool) == true)
        #expect(value("", SettingsOfEveryKind.int) == 1_000)
        #expect(value("", SettingsOfEveryKind.text) == "a: b")
        #expect(value("", SettingsOfEveryKind.maybe) == .some(nil))
        #expect(value("", SettingsOfEveryKind.colour) == .green)
        #expect(value("", SettingsOfEveryKind.time) == .seconds(90))
        #expect(value("", SettingsOfEveryKind.forever) == .some(nil))
        #expect(value("", SettingsOfEveryKind.size) == .kibibytes(256))
        #expect(value("", SettingsOfEveryKind.words) == ["one", "two three"])
        #expect(value("", SettingsOfEveryKind.addresses) == .loopback)
    }

    @Test(arguments: [("on", true), ("yes", true), ("true", true), ("off", false), ("no", false), ("False", false)])
    func truthValues(_ text: String, _ expected: Bool) {
        #expect(value("bool: \(text)", SettingsOfEveryKind.bool) == expected)
    }

    @Test(arguments: [("0", 0), ("1000000", 1_000_000), ("1_000", 1_000), ("007", 7)])
    func numbers(_ text: String, _ expected: Int) {
        #expect(value("int: \(text)", SettingsOfEveryKind.int) == expected)
    }

    @Test(arguments: [("1s", 1), ("90s", 90), ("5m", 300), ("12h", 43_200), ("7d", 604_800)])
    func durations(_ text: String, _ seconds: Int) {
        #expect(value("time: \(text)", SettingsOfEveryKind.time) == .seconds(seconds))
        #expect(value("deep: {keep: \(text)}", SettingsOfEveryKind.forever) == .seconds(seconds))
    }

    @Test(arguments: [("0", 0), ("10000", 10_000), ("256K", 262_144), ("10M", 10_485_760), ("2G", 2_147_483_648)])
    func sizes(_ text: String, _ bytes: Int) {
        #expect(value("deep: {size: \(text)}", SettingsOfEveryKind.size) == ByteCount(bytes))
    }

    @Test func texts() {
        #expect(value("text: plain words", SettingsOfEveryKind.text) == "plain words")
        #expect(value("text: on", SettingsOfEveryKind.text) == "on")
        #expect(value("text: 'null'", SettingsOfEveryKind.text) == "null")
        #expect(value("text: \"\"", SettingsOfEveryKind.text) == "")
        #expect(value("maybe: \"a\\nb\"", SettingsOfEveryKind.maybe) == "a\nb")
        #expect(value("colour: blue", SettingsOfEveryKind.colour) == .blue)
        #expect(value("words: []", SettingsOfEveryKind.words) == [])
        #expect(value("words: [a, 'b c', 3]", SettingsOfEveryKind.words) == ["a", "b c", "3"])
        #expect(value("deep: {keep: forever}", SettingsOfEveryKind.forever) == .some(nil))
        #expect(
            value("addresses: [10.0.0.0/8]", SettingsOfEveryKind.addresses)?.contains(IPAddress("10.1.2.3")!) == true)
    }

    static let mistakes: [(String, String)] = [
        ("bool: maybe", "kinds.bool must be on or off, not \"maybe\""),
        ("bool: 'on'", "kinds.bool must be on or off, without quotes"),
        ("int: many", "kinds.int must be a whole number from 0 to 1000000, not \"many\""),
        ("int: 1000001", "kinds.int must be a whole number from 0 to 1000000, not \"1000001\""),
        ("int: -1", "kinds.int must be a whole number from 0 to 1000000, not \"-1\""),
        (
            "int: 99999999999999999999",
            "kinds.int must be a whole number from 0 to 1000000, not \"99999999999999999999\""
        ),
        ("int: 1.5", "kinds.int must be a whole number from 0 to 1000000, not \"1.5\""),
        ("int: '5'", "kinds.int must be a whole number from 0 to 1000000, without quotes"),
        ("int: [1]", "kinds.int must be a whole number from 0 to 1000000, not a list"),
        ("int: {a: 1}", "kinds.int must be a whole number from 0 to 1000000, not a section"),
        ("int: ", "kinds.int has no value; give a whole number from 0 to 1000000, or remove the line"),
        ("text: [a]", "kinds.text must be text, not a list"),
        ("colour: geren", "kinds.colour must be one of red, green, blue, not \"geren\"; did you mean \"green\"?"),
        ("colour: 12", "kinds.colour must be one of red, green, blue, not \"12\""),
        ("time: 5", "kinds.time must be a time such as 30s, 5m, 12h or 7d, from 1s to 7d, not \"5\""),
        ("time: -0s", "kinds.time must be a time such as 30s, 5m, 12h or 7d, from 1s to 7d, not \"-0s\""),
        ("time: 8d", "kinds.time must be a time such as 30s, 5m, 12h or 7d, from 1s to 7d, not \"8d\""),
        (
            "time: 9999999999999999999d",
            "kinds.time must be a time such as 30s, 5m, 12h or 7d, from 1s to 7d, not \"9999999999999999999d\""
        ),
        (
            "time: 999999999999999999d",
            "kinds.time must be a time such as 30s, 5m, 12h or 7d, from 1s to 7d, not \"999999999999999999d\""
        ),
        (
            "deep: {keep: ever}",
            "kinds.deep.keep must be a time such as 30s, 5m, 12h or 7d, from 1s to 7d, or forever, not \"ever\""
        ),
        (
            "deep: {size: 3G}",
            "kinds.deep.size must be a size in bytes such as 10000, 256K or 10M, from 0 to 2G, not \"3G\""
        ),
        (
            "deep: {size: 9999999999999G}",
            "kinds.deep.size must be a size in bytes such as 10000, 256K or 10M, from 0 to 2G, not \"9999999999999G\""
        ),
        (
            "deep: {size: -0K}",
            "kinds.deep.size must be a size in bytes such as 10000, 256K or 10M, from 0 to 2G, not \"-0K\""
        ),
        (
            "deep: {size: K}",
            "kinds.deep.size must be a size in bytes such as 10000, 256K or 10M, from 0 to 2G, not \"K\""
        ),
        ("deep: 5", "kinds.deep must be a section of lines \"key: value\", not \"5\""),
        ("words: one", "kinds.words must be a list of words such as [one, two], not \"one\""),
        ("words: [[a]]", "kinds.words must be a list of words such as [one, two], not a list inside it"),
        (
            "addresses: [10.0.0.1/8]",
            "kinds.addresses is a list of addresses, but \"10.0.0.1/8\" has bits set beyond its prefix; did you mean 10.0.0.0/8?"
        ),
        (
            "addresses: [example.org]",
            "kinds.addresses is a list of addresses, but \"example.org\" is not an IP address or network such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32"
        ),
    ]

    @Test(arguments: mistakes)
    func mistake(_ lines: String, _ expected: String) {
        #expect(message(lines) == expected)
    }

    @Test func declarationsThatContradictStopTheStart() {
        let settings = [
            AnySetting(Setting("a.b", default: true, "")), AnySetting(Setting("a.b", default: 1, in: 0...2, "")),
            AnySetting(Setting("a.b.c", default: true, "")), AnySetting(Setting("a.n", default: 3, in: 0...2, "")),
            AnySetting(Setting("domains.x", default: true, "")), AnySetting(Setting("alone", default: true, "")),
            AnySetting(Setting("A.b", default: true, "")), AnySetting(Setting("limits.depth", default: true, "")),
            AnySetting(Setting("a.t", default: .milliseconds(1_500), in: .zero...(.seconds(9)), "")),
        ]
        #expect(throws: ConfigurationErrors.self) {
            try Configuration.parse("domains: {a.test: }", file: "c", settings: settings)
        }
        var problems: [ConfigurationError] = []
        _ = SettingCatalogue(Configuration.kernelSettings + settings, reserved: ["domains"], problems: &problems)
        #expect(
            problems.map(\.description) == [
                "setting \"a.b\" is declared twice, or is also the name of a section",
                "setting \"a.b.c\" is declared twice, or is also the name of a section",
                "setting \"a.n\" has the default 3, but must be a whole number from 0 to 2",
                "setting \"domains.x\" lies in the section \"domains\", which has a fixed structure",
                "setting \"alone\" must be written section.key in small letters, digits and hyphens",
                "setting \"A.b\" must be written section.key in small letters, digits and hyphens",
                "setting \"limits.depth\" is declared twice, or is also the name of a section",
                "setting \"a.t\" has the default 1s, but must be a time such as 30s, 5m, 12h or 7d, from 0s to 9s",
            ])
    }

    @Test func theKernelsOwnDeclarationsAreSound() {
        var problems: [ConfigurationError] = []
        let all = Configuration.kernelSettings
        let catalogue = SettingCatalogue(all, reserved: FixedSections.names, problems: &problems)
        #expect(problems.isEmpty)
        #expect(catalogue.settings.map(\.path) == all.map(\.path))
        #expect(all.allSatisfy { $0.comment.hasSuffix(".") })
    }
}
