import NIOCore
import Testing
import XMPP

@testable import Features

/// XEP-0424 and XEP-0425 in rooms: what is taken back by whom, and what is left of it.
struct RoomRetractionTests {
    private func stored(_ content: String) -> ByteBuffer {
        ByteBuffer(
            string: "<message type='groupchat' id='m1' from='garden@rooms.test/Juliet' xml:lang='en'>\(content)<occupant-id xmlns='urn:xmpp:occupant-id:0' id='hers'/></message>")
    }

    private func retraction(by author: String) -> RoomRetraction {
        RoomRetraction(
            target: "place", author: author,
            retracted: ByteBuffer(string: "<retracted xmlns='urn:xmpp:message-retract:1' id='r1'/>"))
    }

    @Test("the author alone takes back, once, and nothing is left of the content")
    func tombstone() throws {
        let message = stored("<body>Ay me!</body><x xmlns='urn:example'>secret</x>")
        #expect(retraction(by: "his").tombstone(of: message) == nil)
        let left = try #require(retraction(by: "hers").tombstone(of: message))
        let element = try StanzaParser().parse(left)
        #expect(element.children.map(\.name) == ["occupant-id", "retracted"])
        #expect(element["id"] == "m1")
        #expect(element["from"] == "garden@rooms.test/Juliet")
        #expect(element.language == "en")
        #expect(retraction(by: "hers").tombstone(of: left) == nil)
        // What is no message any more belongs to nobody.
        #expect(retraction(by: "hers").tombstone(of: ByteBuffer(string: "<message><body>x</body></message>")) == nil)
    }

    @Test("what was taken back is not told to who enters, but only if its author has done it")
    func history() throws {
        var history = DiscussionHistory()
        let room = try JID("garden@rooms.test")
        for place in ["a", "b", "c"] {
            let message = Stanza(.message, type: .groupchat, from: room, to: nil, id: place) { $0.element("body", text: place) }
            history.append(
                message, at: DateTime(milliseconds: 1), room: room, limit: 10,
                DiscussionHistory.Origin(place: place, author: "hers"))
        }
        func left() -> [String?] { history.entries(HistoryRequest(), limit: 10, room: room).map(\.identifier) }
        history.retract("a", by: "his")
        #expect(left() == ["a", "b", "c"])
        history.retract("a", by: "hers")
        #expect(left() == ["b", "c"])
        history.retract("c", by: nil)
        #expect(left() == ["b"])
    }

    @Test("without an archive there is nothing to be moderated")
    func unarchived() throws {
        var play = try PlayedRoom()
        let request = "<moderate xmlns='urn:xmpp:message-moderate:1' id='x'><retract xmlns='urn:xmpp:message-retract:1'/></moderate>"
        #expect(try play.ask("set", request).error == "service-unavailable")
    }
}
