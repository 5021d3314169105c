import Accounts
import Features
import Foundation
import Logging
import Replay
import Server

/// Servers that transcripts are played against: one with a domain for each transcript, and further ones for those that
/// need settings of their own.
actor StageServer {
    static let shared = StageServer()

    /// More than there are transcripts.
    private static let domainCount = 800

    private var common: Task<Server, any Error>?
    private var used = 0

    /// Where one transcript is played.
    struct Stage {
        let server: Server
        let domain: String

        func play(_ transcript: Transcript) async throws {
            let domains = Dictionary(
                uniqueKeysWithValues: transcript.domains.map { ($0, $0.hasSuffix("localhost") ? domain : $0) })
            for (address, password) in transcript.accounts {
                let parts = address.split(separator: "@", maxSplits: 1)
                guard parts.count == 2, domains[String(parts[1])] == domain else { continue }
                try await server.localAccounts(of: domain)?.add(String(parts[0]), password: password)
            }
            let player = Player(
                through: LiveTransport(
                    host: "127.0.0.1",
                    ports: [.client: server.ports[transcript.needsTLS ? 0 : 1], .clientTLS: server.ports[2]]),
                domains: domains)
            try await player.play(transcript)
        }
    }

    func stage(for transcript: Transcript) async throws -> Stage {
        used += 1
        let domain = "t\(used).localhost"
        guard transcript.needs.isEmpty else {
            // Settings are the whole server's, and may speak of the domain.
            let needs = transcript.moved(to: ["localhost": domain]).needs
            return Stage(server: try await Self.start(domains: [domain], needs), domain: domain)
        }
        let starting = common ?? Task { try await Self.start(domains: (1...Self.domainCount).map { "t\($0).localhost" }, [:]) }
        common = starting
        return Stage(server: try await starting.value, domain: domain)
    }

    private static func start(domains: [String], _ needs: [String: String]) async throws -> Server {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-stage-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        TemporaryFolders.removeAtExit(folder.path)
        var text = "domains:\n"
        let own = needs.filter { $0.key.hasPrefix(ownPrefix) }
        for domain in domains {
            text += "  \(domain): {certificate: c.pem, key: c.key"
            for (path, value) in own { text += ", \(path.dropFirst(ownPrefix.count)): \(value)" }
            text += "}\n"
        }
        text += """
            listen:
              - {kind: client, port: 5222, address: 127.0.0.1}
              - {kind: client, port: 5224, address: 127.0.0.1, tls: optional}
              - {kind: client, port: 5223, address: 127.0.0.1, tls: direct}
            data: data

            """
        text += sections(of: needs.filter { own[$0.key] == nil })
        try SelfSigned.write(to: folder.path)
        let file = folder.appendingPathComponent("martlet.yaml").path
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        var configuration = try Configuration.load(path: file, settings: Server.settings(of: allFeatures))
        for index in configuration.listeners.indices { configuration.listeners[index].port = 0 }
        var logger = Logger(label: "martlet")
        logger.logLevel = .error
        return try await Server(configuration: configuration, features: allFeatures, logger: logger)
    }

    /// Before the settings of the transcript's domain, whatever it is called on this stage.
    private static let ownPrefix = "domains.localhost."

    /// `a.b=c` as YAML.
    private static func sections(of needs: [String: String]) -> String {
        var sections: [String: [String]] = [:]
        for (path, value) in needs {
            let parts = path.split(separator: ".", maxSplits: 1)
            if parts.count == 2 { sections[String(parts[0]), default: []].append("  \(parts[1]): \(value)\n") }
        }
        return sections.map { "\($0.key):\n\($0.value.joined())" }.joined()
    }
}
