import Testing
import XMPP

@testable import Features

/// XEP-0317: hats, and who may do what with them.
struct HatsTests {
    private static let juliet = "juliet@people.test/b"
    private static let lover = ["hats#uri": "urn:example:lover", "hats#title": "Lover"]

    private func form(_ fields: [String: String]) -> DataForm {
        DataForm(.submit, formType: HatCommand.formType, fields.map { DataForm.Field($0.key, $0.value) })
    }

    @Test(
        "what is no hat is refused",
        arguments: [
            [:], ["hats#uri": "urn:x"], ["hats#title": "A"], ["hats#uri": "nothing", "hats#title": "A"],
            ["hats#uri": ":x", "hats#title": "A"], ["hats#uri": "urn:a b", "hats#title": "A"],
            ["hats#uri": "urn:x", "hats#title": " "], ["hats#uri": "urn:x", "hats#title": String(repeating: "x", count: 257)],
            ["hats#uri": "urn:" + String(repeating: "x", count: 253), "hats#title": "A"],
            ["hats#uri": "urn:x", "hats#title": "A", "hats#hue": "red"],
            ["hats#uri": "urn:x", "hats#title": "A", "hats#hue": "361"],
            ["hats#uri": "urn:x", "hats#title": "A", "hats#hue": "nan"],
        ] as [[String: String]])
    func refused(fields: [String: String]) {
        #expect(throws: StanzaError.self) { try Hat(form(fields)) }
    }

    @Test("a hat without a colour is one")
    func colours() throws {
        #expect(try Hat(form(Self.lover)).hue == nil)
        #expect(try Hat(form(Self.lover.merging(["hats#hue": ""]) { $1 })).hue == nil)
        #expect(try Hat(form(Self.lover.merging(["hats#hue": "327.25"]) { $1 })).hue == "327.25")
    }

    @Test("a hat that is destroyed is worn by nobody, and a new one of its name is another one")
    func destroyed() throws {
        var hats = Hats()
        let person = try JID("juliet@people.test")
        try hats.make(Hat(form(Self.lover)))
        try hats.assign("urn:example:lover", to: person, limit: 10)
        #expect(hats.hats(of: person).map(\.title) == ["Lover"])
        try hats.destroy("urn:example:lover")
        try hats.make(Hat(form(Self.lover)))
        #expect(hats.hats(of: person).isEmpty)
        #expect(throws: StanzaError.self) { try hats.unassign("urn:example:lover", of: person) }
        #expect(throws: StanzaError.self) { try hats.assign("urn:example:other", to: person, limit: 10) }
    }

    @Test("there is an end to hats, and to those who wear them")
    func limits() throws {
        var hats = Hats()
        for number in 0..<100 { try hats.make(Hat(uri: "urn:\(number)", title: "\(number)", hue: nil)) }
        #expect(throws: StanzaError.self) { try hats.make(Hat(uri: "urn:more", title: "More", hue: nil)) }
        // One that is made anew is not one more.
        try hats.make(Hat(uri: "urn:7", title: "Seven", hue: nil))
        let person = try JID("juliet@people.test")
        for number in 0..<20 { try hats.assign("urn:\(number)", to: person, limit: 10) }
        #expect(throws: StanzaError.self) { try hats.assign("urn:20", to: person, limit: 10) }
        let hash = hats.hash
        try hats.make(Hat(uri: "urn:7", title: "Seven", hue: "10"))
        #expect(hats.hash != hash)
    }

    @Test("who wears a hat is seen with it at every visit and under every nickname, and not when leaving")
    func seen() throws {
        var play = try PlayedRoom()
        try play.command("create", Self.lover)
        try play.command("assign", ["hats#jid": "juliet@people.test/anywhere", "hats#uri": "urn:example:lover"])
        func hats(_ told: [PlayedRoom.Told], of nickname: String) -> [String]? {
            let presence = told.last { $0.receiver == PlayedRoom.owner && $0.element["from"] == "\(PlayedRoom.address)/\(nickname)" }
            return presence?.element.child("hats", in: .hats)?.children.compactMap { $0["title"] }
        }
        let claim = "<hats xmlns='urn:xmpp:hats:0'><hat title='King' uri='urn:king'/></hats>"
        #expect(hats(try play.enter("Juliet", by: Self.juliet, beside: claim), of: "Juliet") == ["Lover"])
        #expect(hats(try play.enter("J", by: Self.juliet), of: "J") == ["Lover"])
        let end = try play.leave(Self.juliet)
        #expect(end.contains { $0.receiver == PlayedRoom.owner })
        #expect(hats(end, of: "J") == nil)
        #expect(hats(try play.enter("Juliet", by: Self.juliet), of: "Juliet") == ["Lover"])
        #expect(hats(try play.command("unassign", ["hats#jid": "juliet@people.test", "hats#uri": "urn:example:lover"]), of: "Juliet") == nil)
        let claimed = try play.enter("Tybalt", by: "tybalt@people.test/c", beside: claim)
        #expect(claimed.allSatisfy { $0.element.child("hats", in: .hats) == nil })
    }

    @Test("owners and admins alone change hats", arguments: ["create", "destroy", "assign", "unassign", "list-assigned"])
    func rights(command: String) throws {
        var play = try PlayedRoom()
        try play.enter("Juliet", by: Self.juliet)
        let fields = Self.lover.merging(["hats#jid": "juliet@people.test"]) { $1 }
        try play.affiliate("juliet@people.test", "member")
        let refused = try play.command(command, fields, by: Self.juliet)
        #expect(refused.refusal(of: Self.juliet) == "forbidden")
        #expect(play.room.records.hats == Hats())
        try play.command("create", Self.lover)
        try play.affiliate("juliet@people.test", "admin")
        if command == "unassign" { try play.command("assign", fields) }
        let allowed = try play.command(command, fields, by: Self.juliet)
        #expect(allowed.refusal(of: Self.juliet) == nil)
    }

    @Test("commands that are none, and actions that are none, are refused")
    func commands() throws {
        var play = try PlayedRoom()
        func command(_ attributes: String) throws -> PlayedRoom.Told {
            try play.ask("set", "<command xmlns='http://jabber.org/protocol/commands' \(attributes)/>")
        }
        #expect(try command("node='urn:xmpp:hats:commands:burn'").error == "item-not-found")
        #expect(try command("").error == "item-not-found")
        #expect(try command("node='urn:xmpp:hats:commands:create' action='prev'").error == "bad-request")
        #expect(try command("node='urn:xmpp:hats:commands:create' action='juggle'").error == "bad-request")
        let canceled = try command("node='urn:xmpp:hats:commands:create' action='cancel' sessionid='s'").element.firstChild
        #expect(canceled?["status"] == "canceled")
        #expect(canceled?["sessionid"] == "s")
    }
}
