import NIOCore
import Testing
import XMPP

@testable import Features

/// XEP-0502: how many messages an hour.
struct MessageActivityTests {
    private static let hour: Int64 = 3_600_000
    private static let field = "{urn:xmpp:muc-activity}message-activity"

    private func message(_ content: String) throws -> Stanza {
        let element = try StanzaParser().parse(ByteBuffer(string: "<message type='groupchat'>\(content)</message>"))
        return Stanza(kind: .message, type: .groupchat, from: nil, to: nil, element: element)
    }

    @Test("the last whole hours count, as many as are known, and 24 at most", arguments: 1...20)
    func rates(seed: UInt64) throws {
        var dice = Dice(state: seed)
        var activity = MessageActivity()
        let start = Int64.random(in: 0...10_000_000, using: &dice)
        var now = start
        activity.advance(to: DateTime(milliseconds: now))
        var times: [Int64] = []
        for _ in 0..<400 {
            now += Int64.random(in: 0...(Int.random(in: 0..<20, using: &dice) == 0 ? 30 : 1) * Self.hour, using: &dice)
            if Bool.random(using: &dice) {
                activity.count(try message("<body>x</body>"), at: DateTime(milliseconds: now))
                times.append(now)
            }
            let end = now - (now - start) % Self.hour
            let hours = min(24, (end - start) / Self.hour)
            let expected = hours == 0 ? nil : Double(times.count { $0 >= end - hours * Self.hour && $0 < end }) / Double(hours)
            #expect(activity.rate(at: DateTime(milliseconds: now)) == expected)
        }
    }

    @Test(
        "what is nothing to read does not count",
        arguments: [
            "", "<subject>x</subject>", "<active xmlns='http://jabber.org/protocol/chatstates'/>",
            "<body>x</body><replace xmlns='urn:xmpp:message-correct:0' id='1'/>",
        ])
    func uncounted(content: String) throws {
        var activity = MessageActivity()
        activity.advance(to: DateTime(milliseconds: 0))
        activity.count(try message(content), at: DateTime(milliseconds: 1))
        #expect(activity.rate(at: DateTime(milliseconds: Self.hour)) == 0)
    }

    @Test("it is told of public persistent rooms that anybody may enter")
    func told() throws {
        let persistent = ["muc#roomconfig_persistentroom": "1"]
        let kinds: [([String: String], [String]?)] = [
            (persistent, ["0.50"]), ([:], nil),
            (persistent.merging(["muc#roomconfig_publicroom": "0"]) { $1 }, nil),
            (persistent.merging(["muc#roomconfig_membersonly": "1"]) { $1 }, nil),
            (persistent.merging(["muc#roomconfig_passwordprotectedroom": "1", "muc#roomconfig_roomsecret": "x"]) { $1 }, nil),
        ]
        for (fields, expected) in kinds {
            var play = try PlayedRoom(fields)
            try play.say(by: PlayedRoom.owner)
            #expect(try play.information(Self.field) == nil)
            play.pass(seconds: 7_200)
            #expect(try play.information(Self.field) == expected)
        }
    }
}
