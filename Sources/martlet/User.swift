import Accounts
import ArgumentParser
import Features
import Foundation
import Server
import Storage
import XMPP

/// `martlet user`: local accounts, whether the server runs or not.
struct User: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, change and list local accounts; also while the server runs.",
        subcommands: [UserAdd.self, UserPassword.self, UserRemove.self, UserList.self, UserImport.self])
}

struct UserAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "add", abstract: "Make an account.")

    @OptionGroup var file: ConfigurationFile
    @OptionGroup var input: PasswordInput
    @Flag(help: "The account may administer the server.") var admin = false
    @Argument(help: "The address, such as juliet@example.org.") var address: String

    func run() async throws {
        try await AccountDatabase.use(file) { accounts in
            let account = try accounts.account(address)
            try await accounts.of(account).add(
                account.local ?? "", password: try input.read(), isAdministrator: admin)
            print("\(account) was made.")
        }
    }
}

struct UserPassword: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "password", abstract: "Set an account's password.")

    @OptionGroup var file: ConfigurationFile
    @OptionGroup var input: PasswordInput
    @Argument(help: "The address.") var address: String

    func run() async throws {
        try await AccountDatabase.use(file) { accounts in
            let account = try accounts.account(address)
            try await accounts.of(account).setPassword(of: account.local ?? "", to: try input.read())
            print("The password of \(account) was set.")
        }
    }
}

struct UserRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove an account and everything that is kept of it.")

    @OptionGroup var file: ConfigurationFile
    @Argument(help: "The address.") var address: String

    func run() async throws {
        try await AccountDatabase.use(file) { accounts in
            let account = try accounts.account(address)
            try await accounts.remove(account)
            print("\(account) was removed.")
        }
    }
}

struct UserList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the accounts of a domain.")

    @OptionGroup var file: ConfigurationFile
    @Argument(help: "The domain; all domains without it.") var domain: String?

    func run() async throws {
        try await AccountDatabase.use(file) { accounts in
            for name in domain.map({ [$0] }) ?? accounts.domains {
                let local = try accounts.of(JID(name))
                var last = ""
                while case let page = try await local.list(after: last), let final = page.last {
                    for account in page {
                        let marks = (account.isAdministrator ? " administrator" : "") + (account.isDisabled ? " disabled" : "")
                        print("\(account.localpart)@\(name)\(marks)")
                    }
                    last = final.localpart
                }
            }
        }
    }
}

struct UserImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make many accounts from a file.",
        discussion: "Each line has an address, a tab, and the password. \"-\" reads from standard input.")

    @OptionGroup var file: ConfigurationFile
    @Argument(help: "The file.") var source: String

    func run() async throws {
        let data = source == "-" ? FileHandle.standardInput.readDataToEndOfFile() : try Data(contentsOf: URL(fileURLWithPath: source))
        try await AccountDatabase.use(file) { accounts in
            var byDomain: [String: [(line: Int, localpart: String, password: String)]] = [:]
            var mistakes: [String] = []
            for (index, line) in String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            where !line.isEmpty {
                let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
                do {
                    guard parts.count == 2 else { throw ValidationError("expected an address, a tab and a password") }
                    let account = try accounts.account(String(parts[0]))
                    byDomain[account.domain, default: []].append((index + 1, account.local ?? "", String(parts[1])))
                } catch {
                    mistakes.append("\(source):\(index + 1): \(error)")
                }
            }
            var made = 0
            for (domain, entries) in byDomain {
                let results = try await accounts.of(JID(domain)).add(entries.map { ($0.localpart, $0.password) })
                for (entry, result) in zip(entries, results) {
                    switch result {
                    case .success: made += 1
                    case .failure(let error): mistakes.append("\(source):\(entry.line): \(entry.localpart)@\(domain): \(error)")
                    }
                }
            }
            for mistake in mistakes { FileHandle.standardError.write(Data("\(mistake)\n".utf8)) }
            print("\(made) accounts were made.")
            if !mistakes.isEmpty { throw ExitCode(1) }
        }
    }
}
