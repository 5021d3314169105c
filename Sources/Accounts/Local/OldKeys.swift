package import Storage
internal import Synchronization
package import TLS

/// Which accounts have keys for some hash functions only, because they were brought from elsewhere: hardly any. In
/// memory, for what is offered to a client depends on it (XEP-0388 §2.1, XEP-0480).
final class OldKeys: Sendable {
    static let migration = Migration(
        name: "account-old-keys-1",
        sql: [
            """
            CREATE TABLE account_old_keys (
                domain TEXT NOT NULL,
                localpart TEXT NOT NULL,
                PRIMARY KEY (domain, localpart),
                FOREIGN KEY (domain, localpart) REFERENCES account (domain, localpart) ON DELETE CASCADE
            )
            """
        ])

    private let hashes = Mutex<[String: Set<Hash>]>([:])

    /// The hash functions that an account has keys for; nil if it has all, or there is no such account.
    subscript(localpart: String) -> Set<Hash>? {
        get { hashes.withLock { $0.isEmpty ? nil : $0[localpart] } }
        set { hashes.withLock { $0[localpart] = newValue } }
    }

    func replace(by new: [String: Set<Hash>]) { hashes.withLock { $0 = new } }
}

extension Transaction {
    /// The accounts with old keys, and what they have keys for.
    func oldKeys(of domain: String) throws -> [String: Set<Hash>] {
        let rows = try rows(
            """
            SELECT account_key.localpart, account_key.hash FROM account_old_keys JOIN account_key
            ON account_key.domain = account_old_keys.domain AND account_key.localpart = account_old_keys.localpart
            WHERE account_old_keys.domain = $1
            """, [.text(domain)]
        ) { (try $0.text(0), Hash(columnName: try $0.text(1))) }
        var result: [String: Set<Hash>] = [:]
        for case (let localpart, let hash?) in rows { result[localpart, default: []].insert(hash) }
        return result
    }

    /// Notes whether an account lacks keys.
    func noteKeys(of localpart: String, domain: String, areOld: Bool) throws(StorageError) {
        if areOld {
            try execute(
                "INSERT INTO account_old_keys (domain, localpart) VALUES ($1, $2) ON CONFLICT (domain, localpart) DO NOTHING",
                [.text(domain), .text(localpart)])
        } else {
            try execute(
                "DELETE FROM account_old_keys WHERE domain = $1 AND localpart = $2", [.text(domain), .text(localpart)])
        }
    }
}
