internal import Storage
internal import XMPP

/// Where the registrations for push notifications are kept.
enum PushStore {
    static let migrations = [
        Migration(
            name: "push-1",
            sql: [
                """
                CREATE TABLE push_registrations (
                    account TEXT NOT NULL, service TEXT NOT NULL, node TEXT NOT NULL, options TEXT, device TEXT NOT NULL,
                    enabled BIGINT NOT NULL, PRIMARY KEY (account, service, node))
                """
            ])
    ]

    static func load(_ account: JID, _ transaction: Transaction) throws -> [PushRegistration] {
        try transaction.rows(
            """
            SELECT service, node, options, device, enabled FROM push_registrations WHERE account = $1 ORDER BY enabled
            """, [.text(account.description)]
        ) { row -> PushRegistration? in
            guard let service = try? JID(try row.text(0)), let device = try? JID(try row.text(3)) else { return nil }
            return PushRegistration(
                service: service, node: try row.text(1), options: try row.textOrNil(2), device: device,
                enabled: Int64(try row.integer(4)))
        }.compactMap { $0 }
    }

    static func add(_ registration: PushRegistration, to account: JID) -> @Sendable (Transaction) throws -> Void {
        { transaction in
            try transaction.execute(
                """
                INSERT INTO push_registrations (account, service, node, options, device, enabled)
                VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (account, service, node) DO UPDATE
                SET options = excluded.options, device = excluded.device, enabled = excluded.enabled
                """,
                [
                    .text(account.description), .text(registration.service.description), .text(registration.node),
                    SQLValue(registration.options), .text(registration.device.description),
                    .integer(Int(registration.enabled)),
                ])
        }
    }

    /// Removes registrations unless they have been made anew since.
    static func remove(
        _ registrations: [PushRegistration], from account: JID
    ) -> @Sendable (Transaction) throws -> Void {
        { transaction in
            for registration in registrations {
                try transaction.execute(
                    """
                    DELETE FROM push_registrations
                    WHERE account = $1 AND service = $2 AND node = $3 AND enabled = $4
                    """,
                    [
                        .text(account.description), .text(registration.service.description), .text(registration.node),
                        .integer(Int(registration.enabled)),
                    ])
            }
        }
    }

    static func remove(_ account: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM push_registrations WHERE account = $1", [.text(account.description)])
    }
}
