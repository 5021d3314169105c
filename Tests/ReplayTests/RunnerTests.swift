import FoundationEssentials
import Testing

@testable import Replay

@Suite struct RunnerTests {
    /// Whether time can pass is not known of a server on the network.
    @Test func whatNeedsAClockIsLeftOut() async throws {
        let file = FileManager.default.temporaryDirectory.path + "/runner-tests-\(UUID().uuidString).scs"
        defer { try? FileManager.default.removeItem(atPath: file) }
        let text = "# Slow\n[Client] Romeo\n\tjid: romeo@localhost\n-----\nRomeo connects\nTime passes: 1 hour\n"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        var outcomes: [Runner.Outcome] = []
        let runner = Runner(Player(through: LiveTransport(host: "127.0.0.1", ports: [:])))
        let failures = await runner.play([file]) { outcomes.append($0) }
        #expect(failures == 0)
        #expect(outcomes.map(\.isPlayed) == [false])
        #expect(outcomes.map(\.title) == ["Slow"])
    }
}
