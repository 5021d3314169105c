import Replay
import Server
import Testing

/// One way to play one file.
struct Play: Sendable, CustomTestStringConvertible {
    enum Way: String { case memory = "in memory", live }

    let file: String
    let way: Way

    var testDescription: String { "\(file) \(way.rawValue)" }

    /// The ways to play a file: nobody can set the clock of a network.
    static func ways(to file: String) -> [Play] {
        // A file that cannot be read fails once.
        let isLive = (try? Runner.read(Repository.path(file)))?.needsClock == false
        return [Play(file: file, way: .memory)] + (isLive ? [Play(file: file, way: .live)] : [])
    }
}

/// Every transcript below `xep/` is played in memory and through the network, each time in a domain of its own; those in
/// which time passes are played in memory only.
@Suite struct TranscriptTests {
    static let files = Runner.transcripts(in: [Repository.path("xep")]).map(Repository.relative)

    // The limit counts from when all have begun to wait for their turn.
    @Test(.timeLimit(.minutes(20)), arguments: files.flatMap(Play.ways))
    func plays(_ play: Play) async throws {
        await PlayGate.shared.enter()
        let result: Result<Void, any Error>
        do { result = .success(try await Self.perform(play)) } catch { result = .failure(error) }
        await PlayGate.shared.leave()
        try result.get()
    }

    private static func perform(_ play: Play) async throws {
        let transcript = try Runner.read(Repository.path(play.file))
        switch play.way {
        case .memory: try await MemoryStage.play(transcript)
        case .live:
            let stage = try await LiveStages.shared.stage(for: transcript)
            do {
                try await stage.play(transcript)
            } catch {
                if stage.isOwn { await stage.server.stop() }
                throw error
            }
            if stage.isOwn { await stage.server.stop() }
        }
    }
}
