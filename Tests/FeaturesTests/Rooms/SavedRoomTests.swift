import Foundation
import NIOCore
import Testing
import XMPP

@testable import Features

/// What of a room outlives a restart of the server.
struct SavedRoomTests {
    private func restored(_ room: Room) throws -> Room {
        try SavedRoom(decoding: SavedRoom(room).encoded).room(limits: room.limits, room.records)
    }

    @Test("what was said can be taken back afterwards, by its author and by moderators")
    func origins() throws {
        var play = try PlayedRoom()
        try play.enter("Juliet", by: "juliet@people.test/b")
        let author = play.room.markName(of: try JID("juliet@people.test"))
        for place in ["one", "two", "three"] {
            let message = Stanza(.message, type: .groupchat, from: play.room.address, to: nil, id: place) {
                $0.element("body", text: place)
            }
            play.room.history.append(
                message, at: play.now, room: play.room.address, limit: 20, DiscussionHistory.Origin(place: place, author: author))
        }
        var room = try restored(play.room)
        room.history.retract("one", by: "somebody else")
        room.history.retract("two", by: author)
        room.history.retract("three", by: nil)
        #expect(room.history.all.map(\.stanza.identifier) == ["one"])
    }

    @Test("who was invited can decline afterwards, and nobody else")
    func invitations() throws {
        var play = try PlayedRoom()
        try play.send(
            "<message to='\(PlayedRoom.address)'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='juliet@people.test'/></x></message>",
            by: PlayedRoom.owner)
        play.room = try restored(play.room)
        let decline = "<message to='\(PlayedRoom.address)'><x xmlns='http://jabber.org/protocol/muc#user'><decline to='romeo@people.test'/></x></message>"
        #expect(try play.send(decline, by: "paris@people.test/c").isEmpty)
        #expect(try play.send(decline, by: "juliet@people.test/b").map(\.receiver) == [PlayedRoom.owner])
    }

    @Test("who waits for being made a member goes on waiting")
    func registrations() throws {
        var play = try PlayedRoom(["muc#roomconfig_moderatedroom": "1"])
        play.room.configuration.registration.way = .approval
        try play.ask(
            "set",
            "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_roomnick'><value>Juliet</value></field></x></query>",
            by: "juliet@people.test/b")
        play.room = try restored(play.room)
        try play.send(
            "<message to='\(PlayedRoom.address)'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_roomnick'><value>Juliet</value></field><field var='muc#register_allow'><value>1</value></field></x></message>",
            by: PlayedRoom.owner)
        #expect(play.room.affiliation(of: try JID("juliet@people.test")) == .member)
    }

    @Test("roles of a visit, and what devices want to know, are as they were")
    func occupants() throws {
        var play = try PlayedRoom(["muc#roomconfig_moderatedroom": "1"])
        try play.enter("Juliet", by: "juliet@people.test/b")
        try play.enter("Paris", by: "paris@people.test/c", "<mav xmlns='urn:xmpp:muc:affiliations:1'/>")
        try play.ask("set", "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Juliet' role='participant'/></query>")
        let room = try restored(play.room)
        #expect(room.role(of: try JID("juliet@people.test/b")) == .participant)
        #expect(room.role(of: try JID("paris@people.test/c")) == .visitor)
        for occupant in play.room.allOccupants {
            #expect(room.occupant(occupant.nickname)?.shown?.followsVersions == occupant.shown?.followsVersions)
        }
        #expect(room.allOccupants.contains { $0.shown?.followsVersions == true })
    }

    @Test("one waits as long as before between two messages, and the messages of the day are counted on")
    func counters() throws {
        var play = try PlayedRoom(["muc#roomconfig_slow_mode_duration": "60", "muc#roomconfig_persistentroom": "1"])
        let juliet = "juliet@people.test/b"
        try play.enter("Juliet", by: juliet)
        try play.say(by: juliet)
        play.room = try restored(play.room)
        play.pass(seconds: 30)
        #expect(try play.say(by: juliet).refusal(of: juliet) == "policy-violation")
        play.pass(seconds: 30)
        #expect(try play.say(by: juliet).refusal(of: juliet) == nil)
        play.pass(seconds: 3_600)
        #expect(play.room.activity.rate(at: play.now) == 2)
    }

    @Test("a room that was saved by an earlier version is the same room, without what that did not keep")
    func earlierVersion() throws {
        var play = try PlayedRoom(["muc#roomconfig_moderatedroom": "1"])
        try play.enter("Juliet", by: "juliet@people.test/b")
        try play.say(by: PlayedRoom.owner)
        let saved = Data(try SavedRoom(play.room).encoded)
        var object = try #require(try JSONSerialization.jsonObject(with: saved) as? [String: Any])
        for key in ["invitations", "registrations", "lastMessages", "activity"] {
            #expect(object.removeValue(forKey: key) != nil)
        }
        for (list, keys) in [("history", ["place", "author"]), ("devices", ["followsVersions"])] {
            let items = try #require(object[list] as? [[String: Any]])
            #expect(!items.isEmpty)
            object[list] = items.map { item in item.filter { !keys.contains($0.key) } }
        }
        let earlier = Array(try JSONSerialization.data(withJSONObject: object))
        let room = try SavedRoom(decoding: earlier).room(limits: play.room.limits, RoomRecords())
        #expect(room.allOccupants.map(\.nickname.text) == ["Romeo", "Juliet"])
        #expect(room.role(of: try JID("juliet@people.test/b")) == .visitor)
        #expect(room.history.all.count == 1)
        #expect(room.configuration.stored == play.room.configuration.stored)
    }
}
