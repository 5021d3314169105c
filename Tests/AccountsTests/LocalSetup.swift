import Accounts
import Foundation
import Storage
import TLS

/// A database of a test's own with the accounts of `example.test`, hashed quickly.
final class LocalSetup: Sendable {
    struct ImpossiblePassword: Error, CustomStringConvertible {
        let description = "it has a bell in it"
    }

    static let parameters = KeyParameters(iterations: 50)

    let folder: String
    let database: Database
    let hashing: PasswordHashing
    let accounts: LocalAccounts

    init(hashing: PasswordHashing = PasswordHashing(threads: 2)) throws {
        folder = NSTemporaryDirectory() + "accounts-tests-" + UUID().uuidString
        database = try Database.open(directory: folder, migrations: AccountTables.migrations)
        self.hashing = hashing
        accounts = Self.accounts(database, hashing)
    }

    static func accounts(
        _ database: Database, _ hashing: PasswordHashing, domain: String = "example.test"
    ) -> LocalAccounts {
        LocalAccounts(
            domain: domain, database: database, hashing: hashing, parameters: parameters, preparePassword: prepare)
    }

    /// Stands in for PRECIS: composes as it does and refuses a control character.
    @Sendable static func prepare(_ password: String) throws -> String {
        guard !password.contains("\u{7}") else { throw ImpossiblePassword() }
        return password.precomposedStringWithCanonicalMapping
    }

    func credentials(_ sources: [any AccountSource]? = nil) async throws -> Credentials {
        Credentials(
            domain: "example.test", sources: sources ?? [accounts],
            decoy: try await Decoy(database: database, parameters: Self.parameters), hashing: hashing,
            preparePassword: Self.prepare)
    }

    func end() async {
        database.close()
        await hashing.shutdown()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// A deadline that tests do not reach.
let later = ContinuousClock.now + .seconds(3_600)

extension LocalAccounts {
    func verify(_ password: String, user: String) async -> PasswordCheck {
        await verify(password: Array(password.utf8), user: user, deadline: later)
    }
}
