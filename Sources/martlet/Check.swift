import Accounts
import ArgumentParser
import Foundation
import Logging
import NIOCore
import NIOPosix
import Server
import TLS

/// `martlet check`: says what is wrong before a start.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the configuration, the certificates and the directories without starting the server.")

    @OptionGroup var file: ConfigurationFile

    func run() async throws {
        let configuration = try file.load()
        var problems = 0
        func report(_ line: String) {
            problems += 1
            print("problem: \(line)")
        }
        print("configuration: \(file.path ?? "none, the defaults for localhost") — no mistakes")
        for domain in configuration.domains {
            guard let certificate = domain.certificate, let key = domain.key else {
                print("certificate of \(domain.name): self-signed, made at the first start")
                continue
            }
            do {
                let certified = try CertifiedKey(certificateFile: certificate, keyFile: key, names: [domain.name])
                for warning in certified.warnings { report(warning.description) }
                if certified.warnings.isEmpty { print("certificate of \(domain.name): good") }
            } catch {
                report("\(error)")
            }
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        for section in configuration.directories {
            do {
                let directory = try DirectoryAccounts(
                    DirectoryConfiguration(section), group: group, logger: Logger(label: "martlet"))
                for check in await directory.check() {
                    let line = "directory \(section.name), \(check.server): \(check.sentence)"
                    if check.isUsable { print(line) } else { report(line) }
                }
                await directory.close()
            } catch {
                report("\(error)")
            }
        }
        try await group.shutdownGracefully()
        if problems > 0 { throw ExitCode(1) }
    }
}
