internal import FoundationEssentials
internal import NIOCore
package import Server
package import Storage
internal import TLS
package import XMPP

/// Rooms that are kept, as the administrator's commands see and change them, beside a server that may be running.
package struct RoomAdministration: Sendable {
    /// A room in a list.
    package struct Summary: Sendable {
        package let address: String
        package let name: String
        package let isPublic: Bool
        /// How many people have an affiliation.
        package let people: Int
    }

    /// Why something was not done, in a line for the administrator.
    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    private let configuration: Configuration
    private let database: Database
    /// Whether no server runs, nor starts before the database is closed.
    private let isAlone: Bool

    /// How often the answer of a running server is looked for, and how long in all: half a minute.
    private static let patience = (interval: Duration.milliseconds(100), count: 300)

    package init(configuration: Configuration, database: Database, isAlone: Bool) {
        self.configuration = configuration
        self.database = database
        self.isAlone = isAlone
    }

    /// The domains below which rooms are.
    package var services: [String] {
        configuration.domains.filter(\.hasRooms).map { "\(configuration[MultiUserChat.label]).\($0.name)" }
    }

    /// - Throws: a line for the administrator, for what cannot be the address of a room here.
    package func room(_ address: String) throws -> JID {
        guard let room = try? JID(address), room.isBare, room.local != nil, services.contains(room.domain) else {
            throw Refusal(description: "\(address) is no room's address; it looks like hall@\(services.first ?? "rooms.example.org")")
        }
        return room
    }

    // MARK: Words

    package static let affiliations = RoomAffiliation.allCases.map(\.rawValue)

    /// The whole name of a field of the configuration, whose beginning may be left out; nil if there is no such field.
    package static func field(_ name: String) -> String? {
        RoomConfiguration.fields.first { $0.name == name || $0.name == prefix + name }?.name
    }

    /// The fields that can be set, as they may be named.
    package static var fields: [String] {
        RoomConfiguration.fields.map { $0.name.hasPrefix(prefix) ? String($0.name.dropFirst(prefix.count)) : $0.name }
    }

    /// Whether a field takes several values.
    package static func isList(_ field: String) -> Bool {
        RoomConfiguration.fields.first { $0.name == field }?.type.hasSuffix("-multi") ?? false
    }

    private static let prefix = "muc#roomconfig_"

    // MARK: Reading

    /// - Parameter after: the address of the room before the first; empty for all.
    package func list(of service: String, after: String, limit: Int = 500) async throws -> [Summary] {
        try await database.read { transaction in
            try transaction.rows(
                """
                SELECT address, name, is_public, (SELECT count(*) FROM room_affiliations WHERE room = address)
                FROM rooms WHERE service = $1 AND address > $2 ORDER BY address LIMIT $3
                """,
                [.text(service), .text(after), .integer(limit)]
            ) { row in
                Summary(
                    address: try row.text(0), name: try row.text(1), isPublic: try row.integer(2) != 0,
                    people: try row.integer(3))
            }
        }
    }

    private struct Export: Encodable {
        struct Person: Encodable {
            let address: String
            let affiliation: String
            let nickname: String?
            let reason: String?
        }

        let address: String
        let configuration: [String: [String]]
        let people: [Person]
        let subject: String?
    }

    /// All that is kept of a room but what was said in it, as JSON.
    package func export(_ address: JID) async throws -> String {
        let room = try await database.read { try RoomStore.load(address, limits: Room.Limits(), $0) }
        guard let room else { throw Refusal(description: "\(address) is not kept here") }
        let export = Export(
            address: room.address.description,
            configuration: Dictionary(
                RoomConfiguration.fields.map { ($0.name, $0.get(room.configuration)) }, uniquingKeysWith: { first, _ in first }),
            people: room.affiliates.map { person, affiliate in
                Export.Person(
                    address: person.description, affiliation: affiliate.affiliation.rawValue,
                    nickname: affiliate.nickname?.text, reason: affiliate.reason)
            }.sorted { $0.address < $1.address },
            subject: room.subject.text)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(export), as: UTF8.self)
    }

    // MARK: Changing

    /// Has something done to a room, by the server if it runs.
    /// - Throws: `Refusal`.
    package func carryOut(_ order: RoomOrder, on room: JID) async throws {
        let id = String(randomBytes(16).flatMap { String($0, radix: 16) })
        let request = try order.request(id, for: room)
        let refusal = isAlone ? try await change(room, request, id) : try await ask(room, request, id)
        if let refusal { throw Refusal(description: "\(room): \(refusal)") }
    }

    /// - Returns: why it was not done.
    private func change(_ address: JID, _ request: Stanza, _ id: String) async throws -> String? {
        let limits = Room.Limits(
            occupants: configuration[MultiUserChat.occupants], affiliates: configuration[MultiUserChat.affiliations],
            goneTime: configuration[MultiUserChat.goneTime])
        return try await database.write { transaction in
            var room: Room
            if let found = try RoomStore.load(address, limits: limits, transaction) {
                room = found
            } else if case .create = AbsentRoom.received(request, former: nil) {
                room = Room(address, createdBy: address.domainJID, at: .now, secret: randomBytes(32), limits: limits)
            } else {
                return StanzaError.Condition.itemNotFound.description
            }
            let before = room
            let outcome = room.received(request, at: .now)
            if let refusal = outcome.refusal { return refusal }
            try RoomStore.save(room, before: before, outcome.changes, at: .now, transaction)
            // Those who are in the room hear of it when they are in it again.
            if try RoomOrders.isAwaited(address, transaction) { try RoomOrders.add(id, request, for: address, transaction) }
            return nil
        }
    }

    private func ask(_ room: JID, _ request: Stanza, _ id: String) async throws -> String? {
        try await database.write { try RoomOrders.add(id, request, for: room, $0) }
        for _ in 0..<Self.patience.count {
            try? await Task.sleep(for: Self.patience.interval)
            let answer = try await database.read { transaction in
                try transaction.first("SELECT answer FROM room_orders WHERE id = $1 AND state = 'done'", [.text(id)]) { try $0.text(0) }
            }
            guard let answer else { continue }
            try await database.write { _ = try $0.execute("DELETE FROM room_orders WHERE id = $1", [.text(id)]) }
            return answer.isEmpty ? nil : answer
        }
        let isTakenBack = try await database.write { transaction in
            try transaction.first("DELETE FROM room_orders WHERE id = $1 AND state = 'new' RETURNING id", [.text(id)]) { try $0.text(0) } != nil
        }
        return isTakenBack
            ? "the server does not answer; nothing was changed" : "the server was told, and has not answered; it may be done or not"
    }
}

extension RoomOutcome {
    /// Why a request was refused; nil if it was not.
    fileprivate var refusal: String? {
        for case .send(let stanza) in actions where stanza.kind == .iq && stanza.type == .error { return stanza.refusal }
        return nil
    }
}
