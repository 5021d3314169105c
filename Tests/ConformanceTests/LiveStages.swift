import Features
import Logging
import Replay
import Server

/// Stages on the network: one server with a domain for each transcript, and further ones for those that need settings
/// of their own.
actor LiveStages {
    static let shared = LiveStages()

    /// More than there are transcripts.
    private static let domainCount = 2_000

    private var common: Task<Server, any Error>?
    private var used = 0

    func stage(for transcript: Transcript) async throws -> Stage {
        used += 1
        let domain = "t\(used).localhost"
        let server = try await server(for: transcript, domain)
        let plain: StageConfiguration.Listener = transcript.needsTLS ? .required : .optional
        return Stage(
            server: server, domain: domain,
            transport: LiveTransport(
                host: "127.0.0.1",
                ports: [
                    .client: server.ports[plain.rawValue],
                    .clientTLS: server.ports[StageConfiguration.Listener.direct.rawValue],
                    .component: server.ports[StageConfiguration.Listener.component.rawValue],
                ]), isOwn: !transcript.needs.isEmpty || !transcript.components.isEmpty)
    }

    private func server(for transcript: Transcript, _ domain: String) async throws -> Server {
        guard transcript.needs.isEmpty, transcript.components.isEmpty else {
            // Settings are the whole server's, and may speak of the domain.
            let moved = transcript.moved(to: ["localhost": domain])
            let needs = moved.needs.map { need in
                (need.key.hasPrefix("components.") ? need.key.replacing("localhost", with: domain) : need.key, need.value)
            }
            return try await Self.start(
                domains: [domain], Dictionary(uniqueKeysWithValues: needs), components: moved.components)
        }
        let starting = common ?? Task { try await Self.start(domains: (1...Self.domainCount).map { "t\($0).localhost" }, [:]) }
        common = starting
        return try await starting.value
    }

    private static func start(
        domains: [String], _ needs: [String: String], components: [String: String] = [:]
    ) async throws -> Server {
        try await Server(
            configuration: StageConfiguration.load(domains: domains, needs: needs, components: components),
            features: allFeatures, logger: .stage)
    }
}

extension Logger {
    /// Tells of errors only.
    static var stage: Logger {
        var logger = Logger(label: "martlet")
        logger.logLevel = .error
        return logger
    }
}
