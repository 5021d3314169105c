import Replay
import Testing

/// Every transcript below `xep/` is played against a running server, in a domain of its own.
@Suite struct TranscriptTests {
    static let files = Runner.transcripts(in: [Repository.path("xep")]).map(Repository.relative)

    @Test(arguments: files)
    func plays(_ file: String) async throws {
        let transcript = try Runner.read(Repository.path(file))
        let stage = try await StageServer.shared.stage(for: transcript)
        try await stage.play(transcript)
    }
}
