import Testing
import XMPP

@testable import Features

/// XEP-0488: tokens make members.
struct InvitationTokensTests {
    private static let juliet = "juliet@people.test/b"
    private static let closed = ["muc#roomconfig_membersonly": "1"]

    private func token(_ play: inout PlayedRoom, _ attributes: String = "") throws -> String {
        let answer = try play.ask("set", "<request xmlns='urn:xmpp:muc-token-invite:0' \(attributes)/>")
        return try #require(answer.element.firstChild?.text)
    }

    private func enter(_ play: inout PlayedRoom, _ name: String, _ token: String) throws -> String? {
        let device = "\(name)@people.test/b"
        return try play.enter(name, by: device, "<password>\(token)</password>").refusal(of: device)
    }

    @Test("a token that was used up, has ended or was revoked lets nobody in, and changes nothing")
    func ended() throws {
        var play = try PlayedRoom(Self.closed)
        let once = try token(&play, "counter='1'")
        #expect(try enter(&play, "a", once) == nil)
        #expect(try enter(&play, "b", once) == "not-authorized")
        let short = try token(&play, "delay='10'")
        play.pass(seconds: 10)
        #expect(try enter(&play, "b", short) == "not-authorized")
        let revoked = try token(&play)
        try play.ask("set", "<revoke xmlns='urn:xmpp:muc-token-invite:0'>\(revoked)</revoke>")
        #expect(try enter(&play, "b", revoked) == "not-authorized")
        #expect(play.room.affiliation(of: try JID("b@people.test")) == .none)
        #expect(play.room.affiliation(of: try JID("a@people.test")) == .member)
    }

    @Test("an entry that fails otherwise uses nothing up and makes no member")
    func failed() throws {
        var play = try PlayedRoom(Self.closed)
        let once = try token(&play, "counter='1'")
        let device = "juliet@people.test/b"
        let refused = try play.enter("Romeo", by: device, "<password>\(once)</password>")
        #expect(refused.refusal(of: device) == "conflict")
        #expect(play.room.affiliation(of: try JID(device)) == .none)
        #expect(try enter(&play, "juliet", once) == nil)
    }

    @Test("tokens differ, and there is an end to them")
    func many() throws {
        var play = try PlayedRoom(Self.closed)
        var found: Set<String> = []
        for _ in 0..<100 { found.insert(try token(&play, "delay='60'")) }
        #expect(found.count == 100)
        let request = "<request xmlns='urn:xmpp:muc-token-invite:0'/>"
        #expect(try play.ask("set", request).error == "resource-constraint")
        play.pass(seconds: 60)
        #expect(try play.ask("set", request).error == nil)
    }

    @Test("tokens of removed accounts are void")
    func removed() throws {
        var play = try PlayedRoom(Self.closed)
        let token = try token(&play)
        play.room.forget(try JID(PlayedRoom.owner).bare)
        #expect(try enter(&play, "juliet", token) == "not-authorized")
    }
}
