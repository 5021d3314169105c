import Features
import Logging
import NIOCore
import NIOEmbedded
import Replay
import Server
import XMPP

/// A stage in memory: a server for one transcript, whose clock stands still unless the transcript lets time pass.
enum MemoryStage {
    /// Every server has threads and files of its own; these are as many as there may be at once.
    private static let turnstile = Turnstile(places: 4)

    static func play(_ transcript: Transcript) async throws {
        await turnstile.enter()
        do {
            try await playAlone(transcript)
        } catch {
            await turnstile.leave()
            throw error
        }
        await turnstile.leave()
    }

    /// What the calendar says when the play begins: 1 January 2000, midnight, UTC.
    private static let beginning: Int64 = 946_684_800_000

    private static func playAlone(_ transcript: Transcript) async throws {
        let domain = "localhost"
        let loop = NIOAsyncTestingEventLoop()
        let server = try await Server(
            configuration: StageConfiguration.load(
                domains: [domain], needs: transcript.needs, components: transcript.components),
            features: allFeatures, logger: .stage, on: loop,
            wall: { DateTime(milliseconds: beginning + Int64(loop.now.uptimeNanoseconds) / 1_000_000) },
            opensPorts: false)
        let plain: StageConfiguration.Listener = transcript.needsTLS ? .required : .optional
        let stage = Stage(
            server: server, domain: domain,
            transport: MemoryTransport(
                loop: loop,
                listeners: [
                    .client: server.listeners[plain.rawValue],
                    .clientTLS: server.listeners[StageConfiguration.Listener.direct.rawValue],
                    .component: server.listeners[StageConfiguration.Listener.component.rawValue],
                ]))
        var failure: (any Error)?
        do { try await stage.play(transcript) } catch { failure = error }
        await server.stop()
        await loop.shutdownGracefully()
        if let failure { throw failure }
    }
}

/// Lets only so many in at once.
private actor Turnstile {
    private var places: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) {
        self.places = places
    }

    func enter() async {
        guard places == 0 else { return places -= 1 }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { places += 1 } else { waiting.removeFirst().resume() }
    }
}
