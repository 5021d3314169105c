package import Storage
internal import TLS
internal import XMPP

/// The tables of local accounts and the statements on them.
package enum AccountTables {
    /// In the list of migrations that `Database.open` is given, in front of those that refer to accounts.
    package static let migrations = [
        Migration(
            name: "accounts-1",
            sql: [
                """
                CREATE TABLE account (
                    domain TEXT NOT NULL,
                    localpart TEXT NOT NULL,
                    administrator BIGINT NOT NULL,
                    disabled BIGINT NOT NULL,
                    created BIGINT NOT NULL,
                    PRIMARY KEY (domain, localpart)
                )
                """,
                """
                CREATE TABLE account_key (
                    domain TEXT NOT NULL,
                    localpart TEXT NOT NULL,
                    hash TEXT NOT NULL,
                    salt BYTEA NOT NULL,
                    iterations BIGINT NOT NULL,
                    stored_key BYTEA NOT NULL,
                    server_key BYTEA NOT NULL,
                    PRIMARY KEY (domain, localpart, hash),
                    FOREIGN KEY (domain, localpart) REFERENCES account (domain, localpart) ON DELETE CASCADE
                )
                """,
                "CREATE TABLE account_secret (name TEXT NOT NULL PRIMARY KEY, secret BYTEA NOT NULL)",
                "CREATE TABLE account_revision (domain TEXT NOT NULL PRIMARY KEY, revision BIGINT NOT NULL)",
            ]),
        // The revision of the domain's accounts with which the password was set last.
        Migration(
            name: "accounts-2", sql: ["ALTER TABLE account ADD COLUMN password_revision BIGINT NOT NULL DEFAULT 0"]),
        OldKeys.migration,
    ] + TokenTables.migrations
}

extension Transaction {
    func account(_ localpart: String, of domain: String) throws -> Account? {
        try first(
            """
            SELECT \(Account.columns) FROM account
            WHERE domain = $1 AND localpart = $2
            """, [.text(domain), .text(localpart)]
        ) { try Account($0) }
    }

    /// In the order of the localparts' code points.
    func accounts(of domain: String, after localpart: String, limit: Int) throws -> [Account] {
        try rows(
            """
            SELECT \(Account.columns) FROM account
            WHERE domain = $1 AND localpart > $2 ORDER BY localpart LIMIT $3
            """, [.text(domain), .text(localpart), .integer(limit)]
        ) { try Account($0) }
    }

    func administrators(of domain: String) throws -> [Account] {
        try rows(
            """
            SELECT \(Account.columns) FROM account
            WHERE domain = $1 AND administrator = 1 AND disabled = 0 ORDER BY localpart LIMIT 100
            """, [.text(domain)]
        ) { try Account($0) }
    }

    func insert(_ account: Account, of domain: String) throws(StorageError) {
        try execute(
            "INSERT INTO account (domain, localpart, administrator, disabled, created) VALUES ($1, $2, $3, $4, $5)",
            [
                .text(domain), .text(account.localpart), SQLValue(account.isAdministrator),
                SQLValue(account.isDisabled), .integer(account.created),
            ])
    }

    /// The keys of an account by hash function, those of unknown ones left out.
    func keys(of localpart: String, domain: String) throws -> [Hash: ScramKeys] {
        let pairs = try rows(
            """
            SELECT hash, salt, iterations, stored_key, server_key FROM account_key
            WHERE domain = $1 AND localpart = $2
            """, [.text(domain), .text(localpart)]
        ) { row in
            (
                Hash(columnName: try row.text(0)),
                ScramKeys(
                    salt: try row.bytes(1), iterations: try row.integer(2), storedKey: try row.bytes(3),
                    serverKey: try row.bytes(4))
            )
        }
        var keys: [Hash: ScramKeys] = [:]
        for case (let hash?, let value) in pairs { keys[hash] = value }
        return keys
    }

    func replaceKeys(of localpart: String, domain: String, by keys: [Hash: ScramKeys]) throws(StorageError) {
        try execute(
            "DELETE FROM account_key WHERE domain = $1 AND localpart = $2", [.text(domain), .text(localpart)])
        for (hash, keys) in keys { try insert(keys, for: hash, of: localpart, domain: domain) }
    }

    /// Adds keys, unless there are some for that hash function.
    func insert(_ keys: ScramKeys, for hash: Hash, of localpart: String, domain: String) throws(StorageError) {
        try execute(
            """
            INSERT INTO account_key (domain, localpart, hash, salt, iterations, stored_key, server_key)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (domain, localpart, hash) DO NOTHING
            """,
            [
                .text(domain), .text(localpart), .text(hash.columnName), .bytes(keys.salt),
                .integer(keys.iterations), .bytes(keys.storedKey), .bytes(keys.serverKey),
            ])
    }

    /// Tells everybody that accounts have changed.
    func raiseRevision(of domain: String) throws(StorageError) {
        try execute(
            """
            INSERT INTO account_revision (domain, revision) VALUES ($1, 1)
            ON CONFLICT (domain) DO UPDATE SET revision = account_revision.revision + 1
            """, [.text(domain)])
    }

    /// The secret of this name, made of `fresh` when it is asked for the first time.
    func secret(_ name: String, fresh: [UInt8]) throws -> [UInt8] {
        try execute(
            "INSERT INTO account_secret (name, secret) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
            [.text(name), .bytes(fresh)])
        return try first("SELECT secret FROM account_secret WHERE name = $1", [.text(name)]) { try $0.bytes(0) }
            ?? fresh
    }
}

extension Hash {
    var columnName: String {
        switch self {
        case .sha1: "SHA-1"
        case .sha256: "SHA-256"
        case .sha512: "SHA-512"
        }
    }

    init?(columnName: String) {
        guard let hash = Self.allCases.first(where: { $0.columnName == columnName }) else { return nil }
        self = hash
    }
}
