internal import Server
internal import Storage
internal import XMPP

/// Where rosters are kept: a row for each contact, and the version of each roster.
struct RosterStore: Sendable {
    static let migrations = [
        Migration(
            name: "roster-1",
            sql: [
                """
                CREATE TABLE roster_items (
                    account TEXT NOT NULL, contact TEXT NOT NULL, name TEXT, groups TEXT NOT NULL,
                    subscription INTEGER NOT NULL, version INTEGER NOT NULL, request BLOB,
                    PRIMARY KEY (account, contact))
                """,
                """
                CREATE TABLE rosters (
                    account TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, removal INTEGER NOT NULL)
                """,
            ])
    ]

    static func load(_ account: JID, _ transaction: Transaction) throws -> Roster {
        let account = SQLValue.text(account.description)
        let counters = try transaction.first("SELECT version, removal FROM rosters WHERE account = $1", [account]) {
            (try $0.integer(0), try $0.integer(1))
        }
        let items: [RosterItem?] = try transaction.rows(
            "SELECT contact, name, groups, subscription, version, request FROM roster_items WHERE account = $1", [account]
        ) { row in
            guard let jid = try? JID(try row.text(0)) else { return nil }
            let flags = try row.integer(3)
            return RosterItem(
                jid: jid, name: try row.textOrNil(1), groups: groups(try row.text(2)),
                subscription: Subscription(flags: flags), isListed: flags & Self.listed != 0,
                version: try row.integer(4), request: try row.bytesOrNil(5))
        }
        return Roster(items: items.compactMap { $0 }, version: counters?.0 ?? 0, removal: counters?.1 ?? 0)
    }

    /// Writes one contact and the roster's version as they are in memory now.
    static func save(_ roster: Roster, of account: JID, contact: JID) -> @Sendable (Transaction) throws -> Void {
        let item = roster[contact]
        let version = roster.version
        let removal = roster.removal
        return { transaction in
            let account = SQLValue.text(account.description)
            try transaction.execute(
                """
                INSERT INTO rosters (account, version, removal) VALUES ($1, $2, $3)
                ON CONFLICT (account) DO UPDATE SET version = excluded.version, removal = excluded.removal
                """, [account, .integer(version), .integer(removal)])
            guard let item else {
                try transaction.execute(
                    "DELETE FROM roster_items WHERE account = $1 AND contact = $2", [account, .text(contact.description)])
                return
            }
            try transaction.execute(
                """
                INSERT INTO roster_items (account, contact, name, groups, subscription, version, request)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT (account, contact) DO UPDATE SET name = excluded.name, groups = excluded.groups,
                    subscription = excluded.subscription, version = excluded.version, request = excluded.request
                """,
                [
                    account, .text(contact.description), SQLValue(item.name),
                    .text(item.groups.joined(separator: Self.separator)),
                    .integer(item.subscription.flags | (item.isListed ? Self.listed : 0)), .integer(item.version),
                    SQLValue(item.request),
                ])
        }
    }

    static func remove(_ account: JID, _ transaction: Transaction) throws {
        for table in ["roster_items", "rosters"] {
            try transaction.execute("DELETE FROM \(table) WHERE account = $1", [.text(account.description)])
        }
    }

    /// A character that XML forbids, and so no group's name has.
    private static let separator = "\u{1F}"
    private static let listed = 32

    private static func groups(_ text: String) -> [String] {
        text.isEmpty ? [] : text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}

extension Subscription {
    fileprivate init(flags: Int) {
        self.init(
            to: flags & 1 != 0, from: flags & 2 != 0, pendingOut: flags & 4 != 0, pendingIn: flags & 8 != 0,
            isApproved: flags & 16 != 0)
    }

    fileprivate var flags: Int {
        (to ? 1 : 0) | (from ? 2 : 0) | (pendingOut ? 4 : 0) | (pendingIn ? 8 : 0) | (isApproved ? 16 : 0)
    }
}
