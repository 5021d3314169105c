internal import Storage
internal import XMPP

/// Where block lists are kept: a row for each address.
struct BlocklistStore {
    static let migrations = [
        Migration(
            name: "blocklist-1",
            sql: [
                """
                CREATE TABLE blocked_addresses (
                    account TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (account, address))
                """
            ])
    ]

    static func load(_ account: JID, _ transaction: Transaction) throws -> Blocklist {
        let addresses = try transaction.rows(
            "SELECT address FROM blocked_addresses WHERE account = $1", [.text(account.description)]
        ) { try? JID(try $0.text(0)) }
        return Blocklist(Set(addresses.compactMap { $0 }))
    }

    static func add(_ addresses: Set<JID>, to account: JID) -> @Sendable (Transaction) throws -> Void {
        { transaction in
            for address in addresses {
                try transaction.execute(
                    """
                    INSERT INTO blocked_addresses (account, address) VALUES ($1, $2)
                    ON CONFLICT (account, address) DO NOTHING
                    """, [.text(account.description), .text(address.description)])
            }
        }
    }

    static func remove(_ addresses: Set<JID>, from account: JID) -> @Sendable (Transaction) throws -> Void {
        { transaction in
            for address in addresses {
                try transaction.execute(
                    "DELETE FROM blocked_addresses WHERE account = $1 AND address = $2",
                    [.text(account.description), .text(address.description)])
            }
        }
    }

    static func remove(_ account: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM blocked_addresses WHERE account = $1", [.text(account.description)])
    }
}
