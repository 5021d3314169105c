import Accounts
import ArgumentParser
import Features
import Foundation
import Server
import Storage
import XMPP

/// The database as the account commands use it, beside a server that may be running on it.
struct AccountDatabase {
    private let configuration: Configuration
    private let database: Database
    private let hashing = PasswordHashing(threads: ProcessInfo.processInfo.activeProcessorCount)

    /// Opens the database of a configuration, does something and closes it.
    static func use(_ file: ConfigurationFile, _ body: (AccountDatabase) async throws -> Void) async throws {
        let configuration = try file.load()
        try FileManager.default.createDirectory(
            atPath: configuration.data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        let database = try Database.open(directory: configuration.data, migrations: Server.migrations(of: allFeatures))
        let accounts = AccountDatabase(configuration: configuration, database: database)
        do {
            try await body(accounts)
        } catch {
            database.close()
            throw error
        }
        database.close()
    }

    private init(configuration: Configuration, database: Database) {
        self.configuration = configuration
        self.database = database
    }

    /// The domains that have local accounts.
    var domains: [String] {
        configuration.domains.filter { $0.accounts.contains(.local) }.map(\.name)
    }

    /// An address of one of the domains.
    func account(_ address: String) throws -> JID {
        let account = try JID(address)
        guard account.isBare, account.local != nil else {
            throw ValidationError("\(address) is no account's address; it looks like juliet@\(domains.first ?? "example.org")")
        }
        return account
    }

    /// The local accounts of an address's domain.
    func of(_ address: JID) throws -> LocalAccounts {
        guard domains.contains(address.domain) else {
            throw ValidationError(
                "\(address.domain) has no local accounts; the configuration has them for: \(domains.joined(separator: ", "))")
        }
        return LocalAccounts(
            domain: address.domain, database: database, hashing: hashing, parameters: KeyParameters(configuration),
            preparePassword: { try Precis.opaqueString($0) })
    }

    /// The reports behind one, a page of them.
    func reports(after id: Int) async throws -> [AbuseReportStore.Kept] {
        try await database.read { try AbuseReportStore.list(after: id, limit: 500, $0) }
    }

    /// Removes an account with all that the features keep of it.
    func remove(_ account: JID) async throws {
        try await of(account).remove(account.local ?? "") { transaction in
            for feature in allFeatures { try feature.removed(account, transaction) }
        }
    }
}
