import ArgumentParser
import Replay

/// `martlet doap`: the text of `xep/doap.xml`.
struct DOAP: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doap", abstract: "Print what is supported, as a DOAP file (XEP-0453).")

    @Argument(help: "The folder with the statements of support.") var folder = "xep"

    func run() throws {
        print(try Claim.all(in: folder).doap, terminator: "")
    }
}

/// `martlet support`: the table of the README.
struct Support: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "support", abstract: "Print what is supported, as a table.")

    @Argument(help: "The folder with the statements of support.") var folder = "xep"

    func run() throws {
        print(try Claim.all(in: folder).table, terminator: "")
    }
}

/// `martlet replay`: plays transcripts against a server.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Play transcripts against a running server, this one or another.")

    @Option(help: "The server's address.") var host = "127.0.0.1"
    @Option(help: "The port for clients.") var port = 5222
    @Option(name: .customLong("tls-port"), help: "The port with TLS from the first byte.") var tlsPort = 5223
    @Option(name: .customLong("component-port"), help: "The port for external components.") var componentPort = 5347
    @Option(help: "The server's domain, used in the place of localhost.") var domain = "localhost"
    @Argument(help: "Transcripts, or folders with transcripts.") var files: [String]

    func run() async throws {
        let transport = LiveTransport(host: host, ports: [.client: port, .clientTLS: tlsPort, .component: componentPort])
        let runner = Runner(Player(through: transport, domains: domain == "localhost" ? [:] : ["localhost": domain]))
        let failures = await runner.play(files) { outcome in
            let word = outcome.failure != nil ? "FAIL" : outcome.isPlayed ? "ok  " : "skip"
            print("\(word) \(outcome.file)\(outcome.isPlayed ? "" : ": time passes in it")")
            if let failure = outcome.failure { print(failure) }
        }
        if failures > 0 { throw ExitCode(1) }
    }
}
