internal import Logging
internal import NIOCore
package import Server
package import Storage
package import XMPP

/// XEP-0012: tells how long the server has been running, and since when a user has been away.
package struct LastActivity: Feature {
    package static let xeps = [12]
    package static let migrations = [
        Migration(
            name: "last-activity-1",
            sql: [
                """
                CREATE TABLE last_activity (
                    account TEXT NOT NULL PRIMARY KEY, seconds BIGINT NOT NULL, status TEXT)
                """
            ])
    ]

    /// When a user has logged out, and the text of the last unavailable presence.
    private struct Logout: Sendable {
        /// Since the beginning of 1970, UTC.
        let seconds: Int64
        let status: String?
    }

    private static let farewell = SessionSlot<String?>(nil)
    /// What may not have reached the disk yet.
    private static let logout = AccountSlot<Logout?>(nil)

    private unowned let kernel: Kernel
    private let started: NIODeadline

    package init(kernel: Kernel) {
        self.kernel = kernel
        started = kernel.clock.now
    }

    package var registrations: [[Registration]] {
        [
            Registration.iq(.get, "query", in: .lastActivity, on: .server, .inline { _, _, _, writer in
                write((kernel.clock.now - started).nanoseconds / 1_000_000_000, nil, into: &writer)
            }),
            Registration.iq(.get, "query", in: .lastActivity, on: .account, .concurrent { request throws(StanzaError) in
                try await answer(request)
            }),
            Registration.anyIQ(.toAccount, .reject) { stanza, scope throws(StanzaError) in
                try guardResource(stanza, scope)
                return .next
            },
            Registration.becameAvailable { $0[Self.farewell] = nil },
            Registration.becameUnavailable { session, stanza in
                session[Self.farewell] = stanza.element?.child("status")?.text
            },
            Registration.sessionEnded { session, _ in remember(session) },
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM last_activity WHERE account = $1", [.text(account.description)])
    }

    // MARK: Questions

    /// §3: when the user has logged out.
    private func answer(_ request: IQRequest) async throws(StanzaError) -> ByteBuffer? {
        guard request.maySeePresence, let account = request.account else { throw StanzaError(.forbidden) }
        var writer = XMLWriter()
        let isOnline = !account.sessions.isEmpty
        var logout = account.withState { $0[Self.logout] }
        guard !isOnline else {
            write(0, nil, into: &writer)
            return writer.buffer
        }
        if logout == nil { logout = try await readLogout(of: account.jid) }
        guard let logout else { throw StanzaError(.itemNotFound, "the user has not logged in yet") }
        write(max(0, now - logout.seconds), logout.status, into: &writer)
        return writer.buffer
    }

    private func readLogout(of account: JID) async throws(StanzaError) -> Logout? {
        try await kernel.read(of: account) { transaction in
            try transaction.first(
                "SELECT seconds, status FROM last_activity WHERE account = $1", [.text(account.description)]
            ) { Logout(seconds: Int64(try $0.integer(0)), status: try $0.textOrNil(1)) }
        }
    }

    /// §4: a client is not even asked on behalf of somebody who may not see its presence.
    private func guardResource(_ stanza: Stanza, _ scope: HookScope) throws(StanzaError) {
        guard stanza.type == .get, stanza.to?.isFull == true, let from = stanza.from,
            stanza.element?.firstChild?.isNamed("query", in: .lastActivity) == true,
            !from.hasSameBare(as: scope.account.jid), !scope.account.isSubscribed(by: from.bare)
        else { return }
        throw StanzaError(.forbidden)
    }

    private func write(_ seconds: Int64, _ status: String?, into writer: inout XMLWriter) {
        writer.element("query", in: .lastActivity, ["seconds": "\(seconds)"]) { writer in
            if let status { writer.text(status) }
        }
    }

    // MARK: The end of sessions

    /// The user has logged out with the last session.
    private func remember(_ session: Session) {
        let logout = Logout(seconds: now, status: session[Self.farewell])
        let isLast = session.account.withState { state in
            guard state.sessions.isEmpty, !state.isRemoved else { return false }
            state[Self.logout] = logout
            return true
        }
        guard isLast else { return }
        let account = session.account.jid
        let logger = kernel.logger
        kernel.database.write { transaction in
            try transaction.execute(
                """
                INSERT INTO last_activity (account, seconds, status) VALUES ($1, $2, $3)
                ON CONFLICT (account) DO UPDATE SET seconds = excluded.seconds, status = excluded.status
                """, [.text(account.description), .integer(Int(logout.seconds)), SQLValue(logout.status)])
        } completion: { result in
            guard case .failure(let error) = result else { return }
            logger.error(
                "The time of a log-out cannot be written.",
                metadata: [LogKeys.jid: "\(account)", LogKeys.reason: "\(error)"])
        }
    }

    private var now: Int64 { kernel.clock.date.milliseconds / 1_000 }
}

extension Namespace {
    package static let lastActivity: Namespace = "jabber:iq:last"
}
