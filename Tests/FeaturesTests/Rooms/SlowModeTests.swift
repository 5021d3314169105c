import Testing
import XMPP

@testable import Features

/// XEP-0500: who has spoken waits.
struct SlowModeTests {
    private static let phone = "juliet@people.test/phone"
    private static let laptop = "juliet@people.test/laptop"
    private static let slow = ["muc#roomconfig_slow_mode_duration": "20"]

    @Test("one waits with all devices, and as long as the room says")
    func waits() throws {
        var play = try PlayedRoom(Self.slow)
        try play.enter("Juliet", by: Self.phone)
        try play.enter("J", by: Self.laptop)
        #expect(try play.say(by: Self.phone).refusal(of: Self.phone) == nil)
        play.pass(seconds: 19)
        let refused = try play.say(by: Self.laptop)
        #expect(refused.refusal(of: Self.laptop) == "policy-violation")
        #expect(refused.count == 1)
        // What was refused does not count.
        play.pass(seconds: 1)
        #expect(try play.say(by: Self.laptop).refusal(of: Self.laptop) == nil)
    }

    @Test("what has no body neither waits nor makes wait")
    func states() throws {
        var play = try PlayedRoom(Self.slow)
        try play.enter("Juliet", by: Self.phone)
        let state = "<active xmlns='http://jabber.org/protocol/chatstates'/>"
        for _ in 0..<3 { #expect(try play.say(state, by: Self.phone).refusal(of: Self.phone) == nil) }
        #expect(try play.say(by: Self.phone).refusal(of: Self.phone) == nil)
        #expect(try play.say(state, by: Self.phone).refusal(of: Self.phone) == nil)
    }

    @Test("admins and owners do not wait", arguments: ["admin", "owner"])
    func admins(affiliation: String) throws {
        var play = try PlayedRoom(Self.slow)
        try play.enter("Juliet", by: Self.phone)
        try play.affiliate("juliet@people.test", affiliation)
        for _ in 0..<3 { #expect(try play.say(by: Self.phone).refusal(of: Self.phone) == nil) }
    }

    @Test("leaving does not help, and a message that may not be said does not count")
    func leaving() throws {
        var play = try PlayedRoom(Self.slow)
        try play.enter("Juliet", by: Self.phone)
        try play.say(by: Self.phone)
        try play.leave(Self.phone)
        try play.enter("Other", by: Self.phone)
        #expect(try play.say(by: Self.phone).refusal(of: Self.phone) == "policy-violation")
        try play.configure(["muc#roomconfig_slow_mode_duration": "0"])
        #expect(try play.say(by: Self.phone).refusal(of: Self.phone) == nil)
    }

    @Test("what many have said last does not fill the memory")
    func bounded() throws {
        var last = LastMessages()
        for number in 0..<50_000 {
            last.add(try JID("p\(number)@people.test"), seconds: 604_800, at: DateTime(milliseconds: Int64(number)))
        }
        // The latest are still known.
        #expect(throws: StanzaError.self) {
            try last.check(try JID("p49999@people.test"), seconds: 604_800, at: DateTime(milliseconds: 50_000))
        }
        try last.check(try JID("p0@people.test"), seconds: 604_800, at: DateTime(milliseconds: 50_000))
    }

    @Test("a time that is none is refused", arguments: ["-1", "", "soon", "1.5", "604801", "99999999999999999999"])
    func refused(value: String) throws {
        var play = try PlayedRoom()
        #expect(try play.configure(["muc#roomconfig_slow_mode_duration": value]).error == "not-acceptable")
        #expect(try play.information("muc#roominfo_slow_mode_duration") == ["0"])
    }
}
