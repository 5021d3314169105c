import NIOCore
import Server
import Storage
import Testing
import XMPP

@testable import Features

/// What rooms keep is read as it was written, through every way of changing it.
struct RoomRecordsTests {
    private func records(_ seed: UInt64, _ steps: Int, _ play: inout PlayedRoom, _ dice: inout Dice) throws {
        let people = (0..<4).map { "p\($0)@people.test" }
        for _ in 0..<steps {
            let person = people.randomElement(using: &dice)!
            let uri = "urn:hat:\(Int.random(in: 0..<4, using: &dice))"
            switch Int.random(in: 0..<8, using: &dice) {
            case 0: try play.command("create", ["hats#uri": uri, "hats#title": "T\(Int.random(in: 0..<9, using: &dice))"])
            case 1: try play.command("destroy", ["hats#uri": uri])
            case 2, 3: try play.command("assign", ["hats#uri": uri, "hats#jid": person])
            case 4: try play.command("unassign", ["hats#uri": uri, "hats#jid": person])
            case 5: try play.ask("set", "<vCard xmlns='vcard-temp'>\(Bool.random(using: &dice) ? "<PHOTO><BINVAL>YWJj</BINVAL></PHOTO>" : "")</vCard>")
            case 6: try play.ask("set", "<request xmlns='urn:xmpp:muc-token-invite:0' counter='\(Int.random(in: 1...3, using: &dice))'/>")
            default: try play.affiliate(person, ["member", "admin", "none", "outcast"].randomElement(using: &dice)!)
            }
        }
    }

    @Test("they are read as they were written", arguments: 1...4)
    func roundTrip(seed: UInt64) async throws {
        try await TestServer.run(accounts: 0, further: [MultiUserChat.self]) { test in
            var dice = Dice(state: seed)
            var play = try PlayedRoom(["muc#roomconfig_membersonly": "1"])
            var stored = RoomRecords()
            for _ in 0..<20 {
                try records(seed, 10, &play, &dice)
                let room = play.room.address
                let (after, before) = (play.room.records, stored)
                try await test.kernel.database.write { try after.save(room, before: before, $0) }
                stored = try await test.kernel.database.read { try RoomRecords(room, $0) }
                #expect(stored.hats == after.hats)
                #expect(stored.card == after.card)
                #expect(stored.versions == after.versions)
                #expect(Set(stored.tokens.all.map(\.text)) == Set(after.tokens.all.map(\.text)))
            }
            let room = play.room.address
            try await test.kernel.database.write { try RoomRecords.delete(room, $0) }
            #expect(try await test.kernel.database.read { try RoomRecords(room, $0) } == RoomRecords())
        }
    }

    @Test("nothing is left of an account that is removed")
    func removed() async throws {
        try await TestServer.run(accounts: 0, further: [MultiUserChat.self]) { test in
            var play = try PlayedRoom(["muc#roomconfig_persistentroom": "1", "muc#roomconfig_membersonly": "1"])
            try play.command("create", ["hats#uri": "urn:hat", "hats#title": "Hat"])
            try play.command("assign", ["hats#uri": "urn:hat", "hats#jid": "juliet@people.test"])
            try play.affiliate("juliet@people.test", "admin")
            try play.ask("set", "<request xmlns='urn:xmpp:muc-token-invite:0'/>", by: "juliet@people.test/b")
            let (room, number) = (play.room, play.room.records.versions.number)
            let new = Room(room.address, createdBy: try JID(PlayedRoom.owner), at: DateTime(milliseconds: 1_000), secret: [1])
            try await test.kernel.database.write { transaction in
                var changes = RoomChanges()
                changes.isRoomChanged = true
                try RoomStore.save(room, before: new, changes, at: .now, transaction)
                try RoomStore.remove(try JID("juliet@people.test"), transaction)
            }
            let found = try await test.kernel.database.read { try RoomStore.load(room.address, limits: Room.Limits(), $0) }
            let records = try #require(found?.records)
            #expect(records.hats.all == room.records.hats.all)
            #expect(records.hats.wearers.isEmpty)
            #expect(records.tokens.all.isEmpty)
            #expect(records.versions.number == number + 1)
            #expect(records.versions.changes.isEmpty)
        }
    }
}
