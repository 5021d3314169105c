internal import Logging
internal import Server
internal import Storage
internal import XMPP

/// Carries the rooms that somebody is in over an orderly restart of the server: whose session goes on is in them again
/// without having noticed.
struct SavedRooms: Sendable {
    static let migrations = [
        Migration(
            name: "saved-rooms-1",
            sql: ["CREATE TABLE saved_rooms (room TEXT NOT NULL PRIMARY KEY, state BYTEA NOT NULL, devices TEXT NOT NULL)"])
    ]

    let service: RoomService
    private var kernel: Kernel { service.kernel }

    /// How often to look whether rooms have been written: a few seconds in all.
    private static let patience = 250

    var registrations: [Registration] {
        Registration.restart(save: { await save() }, restore: { await restore() })
    }

    // MARK: Stopping

    private func save() async {
        await settle()
        var rooms: [Room] = []
        for loop in kernel.loops {
            // Who has come since the others were told to go goes, too.
            rooms += await loop.run { loop in
                service.stop(on: loop)
                return loop[RoomService.rooms].values.compactMap(\.kept)
            }
        }
        do {
            try await kernel.database.write { [rooms] transaction in
                // What could not be brought back once is out of date.
                try transaction.execute("DELETE FROM saved_rooms")
                for room in rooms { try Self.write(room, transaction) }
            }
        } catch {
            kernel.logger.error(
                "Rooms cannot be kept over the restart; those who are in them are told.",
                metadata: [LogKeys.reason: "\(error)"])
            for loop in kernel.loops { await loop.run { service.stop(areKept: false, on: $0) } }
        }
    }

    private static func write(_ room: Room, _ transaction: Transaction) throws {
        let saved = SavedRoom(room)
        try transaction.execute(
            "INSERT INTO saved_rooms (room, state, devices) VALUES ($1, $2, $3)",
            [.text(saved.address), .bytes(try saved.encoded), .text(saved.seats)])
        guard !room.configuration.persistence.isPersistent else { return }
        try RoomRecords.delete(room.address, transaction)
        try room.records.save(room.address, before: RoomRecords(), transaction)
    }

    /// Waits until all that was said in rooms has had its effect.
    private func settle() async {
        for _ in 0..<Self.patience {
            var busy = 0
            for loop in kernel.loops {
                busy += await loop.run { loop in loop[RoomService.rooms].values.count { !$0.isSettled } }
            }
            guard busy > 0 else { return }
            _ = try? await kernel.database.write { _ in }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    // MARK: Starting

    private func restore() async {
        await bringBack()
        // What was done to the rooms meanwhile happens to those who are in them now.
        await service.orders.forgetOld()
        await service.orders.look()
    }

    private func bringBack() async {
        let rows: [Row]
        do {
            rows = try await kernel.database.write { transaction in
                let rows = try transaction.rows("SELECT room, state, devices FROM saved_rooms") { row in
                    // A row that cannot be read is no reason to lose the others.
                    (try? JID(try row.text(0)), try? row.bytes(1), try row.text(2))
                }
                try transaction.execute("DELETE FROM saved_rooms")
                return try rows.compactMap { room, state, devices in
                    guard let room else { return nil }
                    return try Row(room, state ?? [], devices, transaction)
                }
            }
        } catch {
            return kernel.logger.error("Rooms cannot be brought back.", metadata: [LogKeys.reason: "\(error)"])
        }
        for row in rows {
            let loop = kernel.loops[service.loop(of: row.room)]
            do {
                let room = try row.restored(limits: service.limits(of: row.room))
                await loop.run { loop in
                    let hosted = HostedRoom(row.room, service)
                    loop[RoomService.rooms][row.room] = hosted
                    hosted.restored(room, on: loop)
                }
            } catch {
                kernel.logger.error(
                    "A room cannot be brought back; those who were in it are told.",
                    metadata: [LogKeys.jid: "\(row.room)", LogKeys.reason: "\(error)"])
                await loop.run { dismiss(row.devices, from: row.room, on: $0) }
            }
        }
    }

    /// A room as it was saved, and what else is known of it.
    private struct Row: Sendable {
        struct IsGone: Error {}

        let room: JID
        let devices: String
        private let state: [UInt8]
        private let records: RoomRecords
        /// Whether the room is among those that are kept.
        private let isStored: Bool
        /// Whether the administrator has changed it meanwhile: the room does it once more, for those who are in it.
        private let isChanged: Bool
        /// People whose accounts are no more.
        private let removed: [JID]

        init(_ room: JID, _ state: [UInt8], _ devices: String, _ transaction: Transaction) throws {
            self.room = room
            self.state = state
            self.devices = devices
            records = try RoomRecords(room, transaction)
            isStored = try RoomStore.contains(room, transaction)
            isChanged = try RoomOrders.isWaiting(for: room, transaction)
            removed = try RoomStore.removed(transaction)
            // Those of a temporary room are only in memory as long as the server runs.
            if !isStored { try RoomRecords.delete(room, transaction) }
        }

        /// - Throws: if nobody can be in it any more.
        func restored(limits: Room.Limits) throws -> Room {
            var restored = try SavedRoom(decoding: state).room(limits: limits, records)
            guard isStored || isChanged || !restored.configuration.persistence.isPersistent else { throw IsGone() }
            for person in removed { restored.forget(person) }
            return restored
        }
    }

    /// XEP-0045 §14.2, for those who would go on believing that they are in a room.
    private func dismiss(_ devices: String, from room: JID, on loop: LoopContext) {
        for (device, nickname) in SavedRoom.seats(devices) {
            guard let device = try? JID(device), let seat = try? room.with(resource: nickname) else { continue }
            kernel.send(
                Stanza(.presence, type: .unavailable, from: seat, to: device) { writer in
                    writer.element("x", in: .roomUser) { writer in
                        writer.element("item", ["affiliation": "none", "role": "none"])
                        RoomPresence.write([110, 332], into: &writer)
                    }
                }, on: loop)
        }
    }
}

extension SavedRoom {
    /// Who is where, in a form that never changes.
    fileprivate var seats: String { devices.map { "\($0.address)\n\($0.nickname)" }.joined(separator: "\n") }

    fileprivate static func seats(_ text: String) -> [(device: String, nickname: String)] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return stride(from: 0, to: lines.count - 1, by: 2).map { (lines[$0], lines[$0 + 1]) }
    }
}
