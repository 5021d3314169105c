import Testing
import XMPP

@testable import Features

/// XEP-0486: pictures of rooms.
struct RoomCardTests {
    private static let field = "muc#roominfo_avatarhash"

    private func card(_ content: String) -> String { "<vCard xmlns='vcard-temp'>\(content)</vCard>" }

    @Test("what has no picture has no hash, and what is no picture is refused")
    func pictures() throws {
        var play = try PlayedRoom()
        #expect(try play.ask("set", card("<FN>The Garden</FN>")).error == nil)
        #expect(try play.information(Self.field) == nil)
        #expect(try play.ask("set", card("<PHOTO><EXTVAL>http://example.test/</EXTVAL></PHOTO>")).error == nil)
        #expect(try play.information(Self.field) == nil)
        #expect(try play.ask("set", card("<PHOTO><BINVAL>***</BINVAL></PHOTO>")).error == "bad-request")
        #expect(try play.ask("set", card("<PHOTO><BINVAL>\n  YWJj\n </BINVAL></PHOTO>")).error == nil)
        #expect(try play.information(Self.field) == ["a9993e364706816aba3e25717850c26c9cd0d89d"])
        #expect(try play.ask("set", card("")).error == nil)
        #expect(try play.information(Self.field) == nil)
    }

    @Test("what is the same is no change, and what is too large is refused")
    func limits() throws {
        var play = try PlayedRoom()
        let told = try play.send("<iq type='set' id='q' to='\(PlayedRoom.address)'>\(card("<FN>A</FN>"))</iq>", by: PlayedRoom.owner)
        #expect(told.count == 2)
        let again = try play.send("<iq type='set' id='q' to='\(PlayedRoom.address)'>\(card("<FN>A</FN>"))</iq>", by: PlayedRoom.owner)
        #expect(again.count == 1)
        let large = card("<NOTE>\(String(repeating: "x", count: play.room.limits.card))</NOTE>")
        #expect(try play.ask("set", large).error == "policy-violation")
        #expect(try play.ask("get", "<vCard xmlns='vcard-temp'/>").element.firstChild?.firstChild?.text == "A")
    }

    @Test("a room that waits for its first configuration has a picture for nobody but its owner")
    func locked() throws {
        var play = try PlayedRoom()
        play.room = Room(try JID(PlayedRoom.address), createdBy: try JID(PlayedRoom.owner), at: DateTime(milliseconds: 1_000), secret: [1])
        let request = "<vCard xmlns='vcard-temp'/>"
        #expect(try play.ask("get", request, by: "juliet@people.test/b").error == "item-not-found")
        #expect(try play.ask("set", card("<FN>A</FN>"), by: "juliet@people.test/b").error == "item-not-found")
        #expect(try play.ask("get", request).error == nil)
    }
}
