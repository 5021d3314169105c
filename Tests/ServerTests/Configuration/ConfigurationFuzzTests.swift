import Testing

@testable import Server

/// A small generator with a fixed beginning, so that a failure can be seen again.
private struct Sequence: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ (state >> 29)) &* 0xbf58_476d_1ce4_e5b9
    }
}

@Suite struct ConfigurationFuzzTests {
    static let seed = """
        domains:
          b.test:
            accounts: [company, local]
          a.test: {accounts: ["local"]}
        listen:
          - {kind: client, port: 5222, address: "::1", tls: none}
          - kind: client
            port: 5223
        directories:
          company:
            servers: ["ldaps://one.example.org", "ldaps://[2001:db8::1]:1636/"]
            base: dc=example
            filter: (&(objectClass=user)(sAMAccountName={user}))
            timeouts: {operation: 4s}
        limits: {stanza-size: 1M, exempt: [10.0.0.0/8, "::1"]}
        kinds: {deep: {keep: 7d}, text: "a\\tb", words: [a, 'b c'], bool: on}

        """
    static let pieces = [
        "\t", "\n", "  ", ": ", ":", "- ", "[", "]", "{", "}", "\"", "'", "#", "&a ", "*a", "!!int ", "!", "|\n", ">\n",
        "? ", "~",
        "---\n", "...\n", "%YAML 1.1\n", "<<: ", "\\", "\\ud800", "\\x00", "\0", "\u{feff}", "é", "🐦", "@", "`", ",",
        "-1",
        "99999999999999999999", "::/", "/129", "s", "K", "\r", "\u{85}", "\u{2028}",
    ]

    /// Whatever stands in the file, it is read or refused with errors of one line each.
    @Test(arguments: 0..<8)
    func mutatedFilesAreReadOrRefused(_ start: UInt64) {
        var random = Sequence(state: start)
        var refused = 0
        for _ in 0..<100 {
            var bytes = Array(Self.seed.utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) { Self.mutate(&bytes, &random) }
            do {
                let configuration = try Configuration.parse(
                    bytes, file: "f", settings: SettingsOfEveryKind.all, prepareDomain: Configuration.prepareASCIIDomain
                )
                #expect(!configuration.domains.isEmpty && !configuration.listeners.isEmpty)
            } catch {
                refused += 1
                #expect(!error.errors.isEmpty && error.errors.allSatisfy { !$0.description.contains("\n") })
            }
        }
        #expect(refused > 0)
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout Sequence) {
        let place = Int.random(in: 0..<max(bytes.count, 1), using: &random)
        let end = min(place + Int.random(in: 0...20, using: &random), bytes.count)
        guard place < end else { return bytes.append(0x20) }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(place..<end)
        case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 3: bytes.removeSubrange(end...)
        default: bytes.insert(contentsOf: (pieces.randomElement(using: &random) ?? " ").utf8, at: place)
        }
    }
}
