internal import Logging
internal import NIOCore
package import Server
package import Storage
internal import Synchronization
package import XMPP

/// XEP-0160: messages to somebody who is absent are kept, and delivered when they come back.
package struct OfflineMessages: Feature {
    package static let xeps = [160, 203]
    package static let settings = [AnySetting(limit)]
    package static let migrations = [
        Migration(
            name: "offline-1",
            sql: [
                """
                CREATE TABLE offline_messages (
                    account TEXT NOT NULL, id INTEGER NOT NULL, stanza BLOB NOT NULL, PRIMARY KEY (account, id))
                """
            ]),
        // Where the message is in the account's archive.
        Migration(name: "offline-2", sql: ["ALTER TABLE offline_messages ADD COLUMN place TEXT"]),
    ]

    static let limit = Setting(
        "offline.messages-per-account", default: 1_000, in: 0...1_000_000,
        "How many messages are kept for an absent person; one more is answered with an error.")

    /// What is kept of an account.
    private struct Queue {
        var count = 0
        /// A session is being given the kept messages; what arrives meanwhile lines up behind them.
        var isBeingDelivered = false
    }

    /// One message as it is read again.
    private struct Kept: Sendable {
        let id: Int
        let stanza: [UInt8]
        /// The name of its place in the archive.
        let place: String?
    }

    private static let queue = AccountSlot(Queue())
    /// How many messages are read at once.
    private static let batch = 200

    private unowned let kernel: Kernel
    private let limit: Int
    private let ids: MessageIDs

    package init(kernel: Kernel) {
        self.kernel = kernel
        limit = kernel.configuration[Self.limit]
        ids = MessageIDs()
    }

    package var registrations: [[Registration]] {
        [
            Registration.advertise("msgoffline", on: .server),
            Registration.loading { account, transaction, state in
                let count =
                    try transaction.first(
                        "SELECT count(*) FROM offline_messages WHERE account = $1", [.text(account.description)]
                    ) { try $0.integer(0) } ?? 0
                if count > 0 { state[Self.queue].count = count }
            },
            Registration.message(.toAccount, .deliver) { stanza, scope throws(StanzaError) in
                // Seldom true, and so asked first.
                guard scope.account.has(Self.queue.mark), scope.account.withState({ $0[Self.queue].isBeingDelivered }),
                    stanza.to?.isBare == true, Self.isKept(stanza)
                else { return .next }
                try keep(stanza, scope)
                return .handled
            },
            Registration.message(.toAccount, .absent) { stanza, scope throws(StanzaError) in
                // XEP-0334 §4.2: nobody is told that a wish was followed.
                if Self.isNotToBeKept(stanza) { return .handled }
                guard Self.isKept(stanza) else { return .next }
                try keep(stanza, scope)
                return .handled
            },
            Registration.presenceBroadcast { deliver(to: $0) },
            Registration.boundReport { account in
                await clear(account)
                return nil
            },
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM offline_messages WHERE account = $1", [.text(account.description)])
    }

    /// §3: what is worth keeping: normal messages, and chat messages with more in them than a chat state.
    private static func isKept(_ stanza: Stanza) -> Bool {
        guard stanza.type == .normal || stanza.type == .chat else { return false }
        guard let element = stanza.element else { return stanza.content != nil }
        let hints = Hints(of: element)
        if hints.contains(.noStore) { return false }
        if hints.contains(.store) { return true }
        return element.children.contains { child in
            !child.isIn(.chatStates) && !child.isIn(.hints) && !child.isNamed("thread", in: .client)
        }
    }

    private static func isNotToBeKept(_ stanza: Stanza) -> Bool {
        guard stanza.type == .normal || stanza.type == .chat, let element = stanza.element else { return false }
        return Hints(of: element).contains(.noStore)
    }

    // MARK: Keeping

    private func keep(_ stanza: Stanza, _ scope: HookScope) throws(StanzaError) {
        let account = scope.account
        let hasRoom = account.withState { state in
            guard state[Self.queue].count < limit else { return false }
            state[Self.queue].count += 1
            return true
        }
        // §2: "If not (e.g., because the recipient's offline message queue is full), the server returns a
        // <service-unavailable/> error to the sender."
        guard hasRoom else {
            throw StanzaError(.serviceUnavailable, "too many messages wait for this person already", kind: .wait)
        }
        let id = ids.next()
        var kept = stanza
        // The archive tells the same time.
        let received = stanza.placement?.received ?? kernel.clock.date
        kept.delay(since: received, by: account.jid.domainJID)
        let bytes = [UInt8](kept.serialized.readableBytesView)
        let place = stanza.placement?.id
        let retraction = MessageRetraction(stanza, received: received)
        let reference = kernel.loops[scope.loop.index]
        let logger = kernel.logger
        let release = scope.session?.withholdAcknowledgement()
        kernel.database.write { transaction in
            if let retraction { try Self.retract(retraction, of: account.jid, transaction) }
            try transaction.execute(
                "INSERT INTO offline_messages (account, id, stanza, place) VALUES ($1, $2, $3, $4)",
                [.text(account.jid.description), .integer(Int(id)), .bytes(bytes), SQLValue(place)])
        } completion: { result in
            defer { release?() }
            guard case .failure(let error) = result else { return }
            account.withState { $0[Self.queue].count -= 1 }
            logger.error(
                "A message for an absent person cannot be written.",
                metadata: [LogKeys.jid: "\(account.jid)", LogKeys.reason: "\(error)"])
            reference.execute { loop in
                loop.kernel.router.bounce(stanza, StanzaError(.resourceConstraint), on: loop)
            }
        }
    }

    /// XEP-0424 §5: what waits and was taken back is not delivered any more, but that it was.
    private static func retract(_ retraction: MessageRetraction, of account: JID, _ transaction: Transaction) throws {
        let kept = try transaction.rows(
            "SELECT id, stanza FROM offline_messages WHERE account = $1 ORDER BY id DESC", [.text(account.description)]
        ) { (id: try $0.integer(0), stanza: try $0.bytes(1)) }
        for message in kept {
            guard let tombstone = retraction.tombstone(of: ByteBuffer(bytes: message.stanza)) else { continue }
            try transaction.execute(
                "UPDATE offline_messages SET stanza = $1 WHERE account = $2 AND id = $3",
                [.bytes([UInt8](tombstone.readableBytesView)), .text(account.description), .integer(message.id)])
            return
        }
    }

    // MARK: Clearing

    /// XEP-0386 §3.2: "Clear the offline messages for this user, if any, without sending them (as they will be provided by
    /// MAM)." What is in no archive would be provided by nobody, and stays.
    private func clear(_ account: Account) async {
        guard account.has(Self.queue.mark) else { return }
        let begins = account.withState { state in
            guard state[Self.queue].count > 0, !state[Self.queue].isBeingDelivered else { return false }
            state[Self.queue].isBeingDelivered = true
            return true
        }
        guard begins else { return }
        var cleared = 0
        do throws(StorageError) {
            cleared = try await kernel.database.write { transaction in
                try transaction.execute(
                    "DELETE FROM offline_messages WHERE account = $1 AND place IS NOT NULL",
                    [.text(account.jid.description)])
            }
        } catch {
            _ = kernel.refusal(of: error, account.jid)
        }
        account.withState { [cleared] state in
            state[Self.queue].count -= cleared
            state[Self.queue].isBeingDelivered = false
        }
    }

    // MARK: Delivering

    /// Gives a session with non-negative priority everything that is kept, oldest first.
    private func deliver(to session: Session) {
        let handle = session.handle
        let begins = session.account.withState { state in
            guard let presence = state.sessions.first(where: { $0.handle == handle })?.presence,
                presence.priority >= 0, state[Self.queue].count > 0, !state[Self.queue].isBeingDelivered
            else { return false }
            state[Self.queue].isBeingDelivered = true
            return true
        }
        if begins { deliverBatch(of: session.account, to: handle) } else { session.forgetReadPlaces() }
    }

    private func deliverBatch(of account: Account, to handle: SessionHandle) {
        let reference = kernel.loops[handle.loop]
        // By the writer, behind the messages that still wait to be written: a reader would not find those.
        kernel.database.write { transaction in
            try transaction.rows(
                "SELECT id, stanza, place FROM offline_messages WHERE account = $1 ORDER BY id LIMIT \(Self.batch)",
                [.text(account.jid.description)]
            ) { Kept(id: try $0.integer(0), stanza: try $0.bytes(1), place: try $0.textOrNil(2)) }
        } completion: { result in
            switch result {
            case .failure(let error):
                kernel.logger.error(
                    "Kept messages cannot be read.",
                    metadata: [LogKeys.jid: "\(account.jid)", LogKeys.reason: "\(error)"])
                account.withState { $0[Self.queue].isBeingDelivered = false }
            case .success(let messages):
                reference.execute { loop in send(messages, of: account, to: handle, on: loop) }
            }
        }
    }

    private func send(
        _ messages: [Kept], of account: Account, to handle: SessionHandle, on loop: LoopContext
    ) {
        // A session that has gone leaves the rest to the next one.
        guard account.sessions.contains(where: { $0.handle == handle && $0.isAvailable }) else {
            return account.withState { $0[Self.queue].isBeingDelivered = false }
        }
        let session = loop.session(handle)
        for message in messages {
            // XEP-0313 §6.1.1: not what the client has read in the archive.
            if let place = message.place, session?.hasRead(place) == true { continue }
            loop.send(ByteBuffer(bytes: message.stanza), to: handle)
        }
        let ids = messages.map(\.id)
        guard !ids.isEmpty else { return finish(account, handle, delivered: 0) }
        kernel.database.write { transaction in
            // One by one: a message with an earlier number may have been written since.
            for id in ids {
                try transaction.execute(
                    "DELETE FROM offline_messages WHERE account = $1 AND id = $2",
                    [.text(account.jid.description), .integer(id)])
            }
        } completion: { result in
            guard case .success = result else {
                // They stay, and come once more with the next log-in; better than not at all.
                return account.withState { $0[Self.queue].isBeingDelivered = false }
            }
            finish(account, handle, delivered: messages.count)
        }
    }

    /// Goes on with what has come meanwhile, until nothing is kept any more.
    private func finish(_ account: Account, _ handle: SessionHandle, delivered: Int) {
        let isDone = account.withState { state in
            state[Self.queue].count -= delivered
            if state[Self.queue].count <= 0 || delivered == 0 {
                state[Self.queue].isBeingDelivered = false
                return true
            }
            return false
        }
        if !isDone { return deliverBatch(of: account, to: handle) }
        kernel.find(handle) { session, _ in session?.forgetReadPlaces() }
    }
}

/// Numbers that grow with time and never repeat in the process.
private final class MessageIDs: Sendable {
    private let last = Atomic<Int64>(0)

    func next() -> Int64 {
        let now = DateTime.now.milliseconds << 12
        while true {
            let last = last.load(ordering: .relaxed)
            let next = max(now, last + 1)
            if self.last.compareExchange(expected: last, desired: next, ordering: .relaxed).exchanged { return next }
        }
    }
}
