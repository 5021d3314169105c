import ArgumentParser
import Features
import Foundation
import Logging
import Server

/// `martlet serve`: runs the server until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the server.",
        discussion: """
            SIGTERM and SIGINT stop it: streams are closed, and what is to be written is written. SIGHUP makes it read \
            its certificates and the reloadable settings again; no stream is dropped.
            """)

    @OptionGroup var file: ConfigurationFile

    func run() async throws {
        let configuration = try file.load()
        let logger = LogOutput.start(configuration)
        try FileManager.default.createDirectory(
            atPath: configuration.data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        let signals = Signals([SIGTERM, SIGINT, SIGHUP])
        let server = try await Server(configuration: configuration, features: allFeatures, logger: logger)
        logger.notice(
            "The server is running.",
            metadata: ["domains": "\(configuration.domains.map(\.name).joined(separator: " "))", "ports": "\(server.ports)"])
        if file.path == nil { try await FirstSteps(server: server, configuration: configuration).print() }
        for await signal in signals.received {
            guard signal == SIGHUP else { break }
            do {
                try server.reload(try file.load())
                logger.notice("Certificates and settings were read again.")
            } catch {
                for line in "\(error)".split(separator: "\n") { logger.error("\(line)") }
                logger.error("Nothing was changed.")
            }
        }
        logger.notice("The server is stopping.")
        await server.stop()
    }
}
