internal import Logging
internal import NIOCore
internal import Server
internal import Storage
internal import XMPP

/// What the administrator's commands want of rooms while the server runs: they leave it in a table, and find the answer
/// there.
struct RoomOrders: Sendable {
    static let migrations = [
        Migration(
            name: "room-orders-1",
            sql: [
                """
                CREATE TABLE room_orders (
                    id TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL, room TEXT NOT NULL, request TEXT NOT NULL,
                    state TEXT NOT NULL, answer TEXT NOT NULL)
                """
            ])
    ]

    unowned let kernel: Kernel
    let deliver: @Sendable (Stanza, LoopContext) -> Void

    // MARK: The server

    /// Hands to rooms what has been ordered since the last time. An order is carried out once or, if the server is
    /// killed, perhaps not at all.
    func look() async {
        do {
            let isWaiting = try await kernel.database.read { transaction in
                try transaction.first("SELECT 1 FROM room_orders WHERE state = 'new' LIMIT 1") { try $0.integer(0) } != nil
            }
            guard isWaiting else { return }
            let orders = try await kernel.database.write { transaction in
                try transaction.rows(
                    "UPDATE room_orders SET state = 'taken' WHERE state = 'new' RETURNING id, number, room, request"
                ) { row in
                    (id: try row.text(0), number: try row.integer(1), room: try row.text(2), request: try row.text(3))
                }
            }
            let requests = orders.sorted { $0.number < $1.number }.compactMap { order in
                (try? JID(order.room)).flatMap { try? RoomOrder.request(ByteBuffer(string: order.request), order.id, for: $0) }
            }
            await kernel.loops[0].run { loop in
                for request in requests { deliver(request, loop) }
            }
        } catch {
            kernel.logger.error("Orders for rooms cannot be read.", metadata: [LogKeys.reason: "\(error)"])
        }
    }

    /// A room has done what it was told to, or has refused it.
    func answered(_ stanza: Stanza) {
        guard let id = stanza.to?.resource, let room = stanza.from?.bare.description else { return }
        let answer = stanza.type == .error ? stanza.refusal : ""
        kernel.database.write { transaction in
            try transaction.execute(
                "UPDATE room_orders SET state = 'done', answer = $1 WHERE id = $2 AND room = $3 AND state = 'taken'",
                [.text(answer), .text(id), .text(room)])
        } completion: { _ in
        }
    }

    /// Forgets what nobody waits for any more.
    func forgetOld() async {
        _ = try? await kernel.database.write { try $0.execute("DELETE FROM room_orders WHERE state <> 'new'") }
    }

    // MARK: The commands

    static func add(_ id: String, _ request: Stanza, for room: JID, _ transaction: Transaction) throws {
        var bytes = request.serialized
        try transaction.execute(
            """
            INSERT INTO room_orders (id, number, room, request, state, answer)
            SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, 'new', '' FROM room_orders
            """,
            [.text(id), .text(room.description), .text(bytes.readString(length: bytes.readableBytes) ?? "")])
    }

    /// Whether something waits for a room, or the room for those who are in it: it has to be told of what is done.
    static func isAwaited(_ room: JID, _ transaction: Transaction) throws -> Bool {
        let isKept = try transaction.first("SELECT 1 FROM saved_rooms WHERE room = $1", [.text(room.description)]) {
            try $0.integer(0)
        }
        return try isKept != nil || isWaiting(for: room, transaction)
    }

    /// Whether something waits for a room.
    static func isWaiting(for room: JID, _ transaction: Transaction) throws -> Bool {
        try transaction.first(
            "SELECT 1 FROM room_orders WHERE room = $1 AND state = 'new' LIMIT 1", [.text(room.description)]
        ) { try $0.integer(0) } != nil
    }
}

extension Stanza {
    /// What an error says, in a line for people.
    var refusal: String {
        let error = element?.child("error") ?? parsedError
        let condition = error?.children.first { $0.isIn(.stanzaErrors) && !$0.isNamed("text") }?.name ?? "error"
        return error?.child("text", in: .stanzaErrors).map { "\(condition): \($0.text)" } ?? condition
    }

    private var parsedError: Element? { (try? StanzaParser().parse(serialized))?.child("error") }
}
