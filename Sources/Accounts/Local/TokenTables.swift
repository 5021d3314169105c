package import Storage

/// A token as it is kept.
struct KeptToken: Sendable {
    /// Not used yet: the device may not have received it.
    let isNew: Bool
    let mechanism: String
    let nonce: [UInt8]
    /// Milliseconds since 1970.
    let issued: Int
    /// Milliseconds since 1970; 0 when it was ended before its time.
    let expiry: Int
    /// The highest count of its uses that was shown; −1 before the first.
    let count: Int

    static let none = KeptToken(isNew: false, mechanism: "", nonce: [], issued: 0, expiry: 0, count: 0)
}

/// The table of tokens and the statements on it.
package enum TokenTables {
    package static let migrations = [
        Migration(
            name: "account-tokens-1",
            sql: [
                """
                CREATE TABLE account_token (
                    domain TEXT NOT NULL,
                    localpart TEXT NOT NULL,
                    device TEXT NOT NULL,
                    is_new BIGINT NOT NULL,
                    mechanism TEXT NOT NULL,
                    nonce BYTEA NOT NULL,
                    issued BIGINT NOT NULL,
                    expiry BIGINT NOT NULL,
                    uses BIGINT NOT NULL,
                    PRIMARY KEY (domain, localpart, device, is_new),
                    FOREIGN KEY (domain, localpart) REFERENCES account (domain, localpart) ON DELETE CASCADE
                )
                """
            ])
    ]
}

extension Transaction {
    /// The tokens of a device, the one in use last.
    func tokens(of localpart: String, domain: String, device: String) throws -> [KeptToken] {
        try rows(
            """
            SELECT is_new, mechanism, nonce, issued, expiry, uses FROM account_token
            WHERE domain = $1 AND localpart = $2 AND device = $3 ORDER BY is_new DESC
            """, [.text(domain), .text(localpart), .text(device)]
        ) { row in
            KeptToken(
                isNew: try row.flag(0), mechanism: try row.text(1), nonce: try row.bytes(2), issued: try row.integer(3),
                expiry: try row.integer(4), count: try row.integer(5))
        }
    }

    /// Ends tokens before their time.
    /// - Parameter device: nil for those of all devices.
    func revokeTokens(of localpart: String, domain: String, device: String? = nil) throws(StorageError) {
        if let device {
            try execute(
                "UPDATE account_token SET expiry = 0 WHERE domain = $1 AND localpart = $2 AND device = $3",
                [.text(domain), .text(localpart), .text(device)])
        } else {
            try execute(
                "UPDATE account_token SET expiry = 0 WHERE domain = $1 AND localpart = $2",
                [.text(domain), .text(localpart)])
        }
    }

    /// Lets go of the devices whose tokens are the oldest, if there are too many with one more.
    func makeRoom(forTokenOf device: String, user: String, domain: String, limit: Int) throws {
        let others = try rows(
            """
            SELECT device FROM account_token WHERE domain = $1 AND localpart = $2 AND device <> $3
            GROUP BY device ORDER BY MAX(issued) DESC
            """, [.text(domain), .text(user), .text(device)]
        ) { try $0.text(0) }
        for other in others.dropFirst(max(0, limit - 1)) {
            try execute(
                "DELETE FROM account_token WHERE domain = $1 AND localpart = $2 AND device = $3",
                [.text(domain), .text(user), .text(other)])
        }
    }
}
