import Features
import Foundation
import Server

/// The configuration of a server that transcripts are played against.
enum StageConfiguration {
    /// The listeners in the order of the file.
    enum Listener: Int { case required, optional, direct, component }

    /// - Parameters:
    ///   - needs: what a transcript says of settings.
    ///   - components: their secrets by their addresses.
    static func load(
        domains: [String], needs: [String: String], components: [String: String] = [:]
    ) throws -> Configuration {
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
              - {kind: component, port: 5347}
            data: data

            """
        if !components.isEmpty { text += "components:\n" }
        for (name, secret) in components {
            text += "  \(name): {secret: \"\(secret)\""
            let prefix = "components.\(name)."
            for (path, value) in needs where path.hasPrefix(prefix) { text += ", \(path.dropFirst(prefix.count)): \(value)" }
            text += "}\n"
        }
        let others = needs.filter { own[$0.key] == nil && !$0.key.hasPrefix("components.") }
        text += sections(of: defaults.merging(others) { $1 })
        try SelfSigned.write(to: folder.path)
        let file = folder.appendingPathComponent("martlet.yaml").path
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        var configuration = try Configuration.load(path: file, settings: Server.settings(of: allFeatures))
        for index in configuration.listeners.indices { configuration.listeners[index].port = 0 }
        return configuration
    }

    /// Before the settings of the transcript's domain, whatever it is called on this stage.
    private static let ownPrefix = "domains.localhost."

    /// The people of transcripts have the passwords of plays.
    private static let defaults = ["local-accounts.password-length": "1"]

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
