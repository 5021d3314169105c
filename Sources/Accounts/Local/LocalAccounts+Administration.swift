internal import Foundation
package import Storage
internal import TLS
internal import XMPP

/// Making, changing and listing accounts: what `martlet user …` and the administrators' commands do.
extension LocalAccounts {
    /// Makes an account.
    ///
    /// - Parameter localpart: prepared.
    package func add(
        _ localpart: String, password: String, isAdministrator: Bool = false
    ) async throws(AccountError) {
        let keys = try await keys(of: password)
        let account = Account(
            localpart: localpart, isAdministrator: isAdministrator, isDisabled: false,
            created: Int(Date().timeIntervalSince1970))
        do throws(StorageError) {
            try await database.write { [domain] transaction in
                try transaction.insert(account, of: domain)
                try transaction.replaceKeys(of: localpart, domain: domain, by: keys)
            }
        } catch .constraint(.unique, _) {
            throw .exists
        } catch {
            throw .storage(error)
        }
    }

    /// Makes many accounts, hashing on all threads and committing in groups.
    ///
    /// - Returns: one result for each, in order; those that failed changed nothing.
    package func add(
        _ accounts: [(localpart: String, password: String)]
    ) async -> [Result<Void, AccountError>] {
        var results = [Result<Void, AccountError>](repeating: .success(()), count: accounts.count)
        await withTaskGroup(of: (Int, Result<Void, AccountError>).self) { group in
            var next = 0
            func start() {
                guard next < accounts.count else { return }
                let index = next, account = accounts[next]
                next += 1
                group.addTask {
                    do throws(AccountError) {
                        try await self.add(account.localpart, password: account.password)
                        return (index, .success(()))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            // Enough to keep the threads busy while others wait for the disk.
            for _ in 0..<hashing.threads * 4 { start() }
            for await (index, result) in group {
                results[index] = result
                start()
            }
        }
        return results
    }

    package func setPassword(of localpart: String, to password: String) async throws(AccountError) {
        let keys = try await keys(of: password)
        try await change { [domain] transaction in
            guard try transaction.account(localpart, of: domain) != nil else { return 0 }
            try transaction.replaceKeys(of: localpart, domain: domain, by: keys)
            try transaction.noteKeys(of: localpart, domain: domain, areOld: false)
            try transaction.revokeTokens(of: localpart, domain: domain)
            // The revision that this change makes.
            return try transaction.execute(
                """
                UPDATE account SET password_revision =
                    COALESCE((SELECT revision FROM account_revision WHERE account_revision.domain = $1), 0) + 1
                WHERE domain = $1 AND localpart = $2
                """, [.text(domain), .text(localpart)])
        }
        oldKeys[localpart] = nil
    }

    /// The accounts whose passwords were set after a revision.
    package func passwordsSet(since revision: Int) async throws(StorageError) -> [String] {
        try await database.read { [domain] transaction in
            try transaction.rows(
                "SELECT localpart FROM account WHERE domain = $1 AND password_revision > $2",
                [.text(domain), .integer(revision)]
            ) { try $0.text(0) }
        }
    }

    package func setAdministrator(_ localpart: String, _ isAdministrator: Bool) async throws(AccountError) {
        try await change { [domain] in
            try $0.execute(
                "UPDATE account SET administrator = $1 WHERE domain = $2 AND localpart = $3",
                [SQLValue(isAdministrator), .text(domain), .text(localpart)])
        }
    }

    package func setDisabled(_ localpart: String, _ isDisabled: Bool) async throws(AccountError) {
        try await change { [domain] transaction in
            if isDisabled { try transaction.revokeTokens(of: localpart, domain: domain) }
            return try transaction.execute(
                "UPDATE account SET disabled = $1 WHERE domain = $2 AND localpart = $3",
                [SQLValue(isDisabled), .text(domain), .text(localpart)])
        }
    }

    /// Removes the account and its keys.
    ///
    /// - Parameter alongside: removes what else is kept of the account, in the same transaction.
    package func remove(
        _ localpart: String, alongside: @escaping @Sendable (Transaction) throws -> Void = { _ in }
    ) async throws(AccountError) {
        try await change { [domain] transaction in
            try alongside(transaction)
            return try transaction.execute(
                "DELETE FROM account WHERE domain = $1 AND localpart = $2", [.text(domain), .text(localpart)])
        }
    }

    /// Grows whenever an account was changed or removed, by whatever process.
    package func revision() async throws(StorageError) -> Int {
        try await database.read { [domain] transaction in
            try transaction.first(
                "SELECT revision FROM account_revision WHERE domain = $1", [.text(domain)]
            ) { row throws(StorageError) in try row.integer(0) } ?? 0
        }
    }

    /// The accounts after `localpart` in the order of code points, to be read page by page.
    package func list(after localpart: String = "", limit: Int = 1_000) async throws(StorageError) -> [Account] {
        try await database.read { [domain] in try $0.accounts(of: domain, after: localpart, limit: limit) }
    }

    /// The accounts that may administer the server and log in, at most 100.
    package func administrators() async throws(StorageError) -> [Account] {
        try await database.read { [domain] in try $0.administrators(of: domain) }
    }

    /// - Parameter body: says how many accounts it changed.
    private func change(
        _ body: @escaping @Sendable (Transaction) throws -> Int
    ) async throws(AccountError) {
        let count: Int
        do {
            count = try await database.write { [domain] transaction in
                let count = try body(transaction)
                try transaction.raiseRevision(of: domain)
                return count
            }
        } catch {
            throw .storage(error)
        }
        guard count > 0 else { throw .unknown }
    }

    private func keys(of password: String) async throws(AccountError) -> [Hash: ScramKeys] {
        let prepared: [UInt8]
        do {
            prepared = Array(try preparePassword(password).utf8)
        } catch {
            throw .password("\(error)")
        }
        guard !prepared.isEmpty else { throw .password("it is empty") }
        guard password.count >= parameters.minimumLength else {
            throw .password("it has fewer than \(parameters.minimumLength) characters")
        }
        var keys: [Hash: ScramKeys] = [:]
        for hash in parameters.hashes {
            let salt = randomBytes(parameters.saltLength)
            do {
                let salted = try await hashing.saltedPassword(
                    prepared, salt: salt, iterations: parameters.iterations, hash: hash)
                keys[hash] = ScramKeys(
                    saltedPassword: salted, salt: salt, iterations: parameters.iterations, hash: hash)
            } catch {
                throw .hashing(error)
            }
        }
        return keys
    }
}
