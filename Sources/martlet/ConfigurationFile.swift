import ArgumentParser
import Features
import Foundation
import Server
import XMPP

/// Where the configuration is: the option that all commands share.
struct ConfigurationFile: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The configuration file. Without it: martlet.yaml in the working directory, then /etc/martlet/martlet.yaml, and if there is neither, the domain localhost with its data in ./data.",
            valueName: "file"))
    var config: String?

    /// The file that is meant; nil for none.
    var path: String? {
        if let config { return config }
        return ["martlet.yaml", "/etc/martlet/martlet.yaml"].first { FileManager.default.fileExists(atPath: $0) }
    }

    /// Reads the configuration.
    /// - Throws: the mistakes in it, a line for each.
    func load() throws -> Configuration {
        guard let path else { return .embedded(dataDirectory: "data") }
        return try Configuration.load(
            path: path, settings: Server.settings(of: allFeatures), prepareDomain: { try JID(local: nil, domain: $0, resource: nil).domain })
    }
}
