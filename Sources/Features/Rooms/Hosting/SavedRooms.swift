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
        var saved: [SavedRoom] = []
        for loop in kernel.loops {
            // Who has come since the others were told to go goes, too.
            saved += await loop.run { loop in
                service.stop(on: loop)
                return loop[RoomService.rooms].values.compactMap(\.saved)
            }
        }
        do {
            try await kernel.database.write { [saved] transaction in
                for room in saved {
                    try transaction.execute(
                        "INSERT INTO saved_rooms (room, state, devices) VALUES ($1, $2, $3)",
                        [.text(room.address), .bytes(try room.encoded), .text(room.seats)])
                }
            }
        } catch {
            kernel.logger.error("Rooms cannot be kept over the restart.", metadata: [LogKeys.reason: "\(error)"])
        }
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
        let saved: [(room: JID, state: [UInt8], devices: String, records: RoomRecords)]
        do {
            saved = try await kernel.database.write { transaction in
                let saved = try transaction.rows("SELECT room, state, devices FROM saved_rooms") { row in
                    (room: try JID(try row.text(0)), state: try row.bytes(1), devices: try row.text(2))
                }
                try transaction.execute("DELETE FROM saved_rooms")
                return try saved.map { ($0.room, $0.state, $0.devices, try RoomRecords($0.room, transaction)) }
            }
        } catch {
            return kernel.logger.error("Rooms cannot be brought back.", metadata: [LogKeys.reason: "\(error)"])
        }
        for (address, state, devices, records) in saved {
            let loop = kernel.loops[service.loop(of: address)]
            do {
                var restored = try SavedRoom(decoding: state).room(limits: service.limits(of: address))
                restored.records = records
                let room = restored
                await loop.run { loop in
                    let hosted = HostedRoom(address, service)
                    loop[RoomService.rooms][address] = hosted
                    hosted.restored(room, on: loop)
                }
            } catch {
                kernel.logger.error(
                    "A room cannot be brought back; those who were in it are told.",
                    metadata: [LogKeys.jid: "\(address)", LogKeys.reason: "\(error)"])
                await loop.run { dismiss(devices, from: address, on: $0) }
            }
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
