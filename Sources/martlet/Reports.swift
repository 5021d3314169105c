import ArgumentParser
import Features
import Foundation
import XMPP

/// `martlet reports`: what users have reported, whether the server runs or not.
struct Reports: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the reports of spam and abuse, oldest first; also while the server runs.")

    @OptionGroup var file: ConfigurationFile
    @Option(help: "Only the reports behind this number.") var after = 0

    func run() async throws {
        try await AccountDatabase.use(file) { accounts in
            var last = after
            while case let page = try await accounts.reports(after: last), let final = page.last {
                for kept in page {
                    print("\(kept.id) \(kept.received) \(kept.reporter) reports \(kept.report.reported): \(kept.report.reason)")
                    for line in kept.report.text.split(separator: "\n") { print("    \(line)") }
                    for message in kept.report.messages { print("    message \(message)") }
                }
                last = final.id
            }
        }
    }
}
