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
        let forgotten = counters?.1 ?? 0
        var items: [RosterItem] = []
        var removals: [JID: Int] = [:]
        _ = try transaction.rows(
            "SELECT contact, name, groups, subscription, version, request FROM roster_items WHERE account = $1", [account]
        ) { row in
            guard let jid = try? JID(try row.text(0)) else { return }
            let flags = try row.integer(3)
            let version = try row.integer(4)
            if flags & removed != 0 {
                if version > forgotten { removals[jid] = version }
                guard flags != removed else { return }
            }
            items.append(
                RosterItem(
                    jid: jid, name: try row.textOrNil(1), groups: groups(try row.text(2)),
                    subscription: Subscription(flags: flags), isListed: flags & listed != 0,
                    version: flags & removed != 0 ? 0 : version, request: try row.bytesOrNil(5)))
        }
        return Roster(items: items, removals: removals, version: counters?.0 ?? 0, forgotten: forgotten)
    }

    /// Writes one contact and the roster's version as they are in memory now.
    static func save(_ roster: Roster, of account: JID, contact: JID) -> @Sendable (Transaction) throws -> Void {
        let row = Row(of: contact, in: roster)
        let version = roster.version
        let forgotten = roster.forgotten
        return { transaction in
            let account = SQLValue.text(account.description)
            try transaction.execute(
                """
                INSERT INTO rosters (account, version, removal) VALUES ($1, $2, $3)
                ON CONFLICT (account) DO UPDATE SET version = excluded.version, removal = excluded.removal
                """, [account, .integer(version), .integer(forgotten)])
            guard let row else {
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
                    account, .text(contact.description), SQLValue(row.name), .text(row.groups), .integer(row.flags),
                    .integer(row.version), SQLValue(row.request),
                ])
            if row.flags == removed {
                try transaction.execute(
                    "DELETE FROM roster_items WHERE account = $1 AND subscription = $2 AND version <= $3",
                    [account, .integer(removed), .integer(forgotten)])
            }
        }
    }

    static func remove(_ account: JID, _ transaction: Transaction) throws {
        for table in ["roster_items", "rosters"] {
            try transaction.execute("DELETE FROM \(table) WHERE account = $1", [.text(account.description)])
        }
    }

    /// What the table holds of a contact: an item, or a request, or that it was removed, or the last two.
    private struct Row {
        var name: String?
        var groups = ""
        var flags = 0
        var version = 0
        var request: [UInt8]?

        /// Nil if nothing is known of the contact.
        init?(of contact: JID, in roster: Roster) {
            guard roster[contact] != nil || roster.removals[contact] != nil else { return nil }
            if let item = roster[contact] {
                name = item.name
                groups = item.groups.joined(separator: RosterStore.separator)
                flags = item.subscription.flags | (item.isListed ? RosterStore.listed : 0)
                version = item.version
                request = item.request
            }
            if let removal = roster.removals[contact] {
                flags |= RosterStore.removed
                version = removal
            }
        }
    }

    /// A character that XML forbids, and so no group's name has.
    private static let separator = "\u{1F}"
    /// Beside the flags of the subscription.
    private static let listed = 32
    private static let removed = 64

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
