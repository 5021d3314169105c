import Testing
import XMPP

@testable import Features

/// XEP-0463: who follows the versions of affiliations knows the affiliations.
struct AffiliationVersionsTests {
    private static let phone = "romeo@people.test/phone"

    /// What a client knows.
    private struct View: Equatable {
        var version: String?
        var affiliations: [String: String] = [:]

        /// Takes over what a message or a presence says. A step that does not fit makes it forget everything.
        mutating func hear(_ element: Element) throws {
            guard let user = element.child("x", in: .roomUser), let step = user.child("mav", in: .affiliationVersions) else { return }
            let until = try #require(step["until"])
            let items = user.children.filter { $0.isNamed("item", in: .roomUser) }
            if element.isNamed("presence"), step["since"] == nil {
                // One's own presence: only which version there is.
                return #expect(until == version)
            }
            if let since = step["since"] { #expect(since == version, "changes follow each other") } else { affiliations = [:] }
            version = until
            for item in items {
                let person = try JID(try #require(item["jid"])).bare.description
                affiliations[person] = item["affiliation"] == "none" ? nil : item["affiliation"]
            }
        }
    }

    private func truth(_ room: Room) -> [String: String] {
        Dictionary(uniqueKeysWithValues: room.affiliates.map { ($0.key.description, $0.value.affiliation.rawValue) })
    }

    @Test("a client that comes and goes knows all affiliations", arguments: 1...30)
    func follows(seed: UInt64) throws {
        var dice = Dice(state: seed)
        var play = try PlayedRoom()
        var view = View()
        var isThere = false
        let people = (0..<8).map { "p\($0)@people.test" }
        for person in people.prefix(4) { try play.enter(person, by: "\(person)/x") }
        for _ in 0..<200 {
            var told: [PlayedRoom.Told] = []
            switch Int.random(in: 0..<8, using: &dice) {
            case 0 where isThere:
                told = try play.leave(Self.phone)
                isThere = false
            case 0, 1:
                guard !isThere else { continue }
                let since = view.version.map { " since='\($0)'" } ?? ""
                told = try play.enter("Phone", by: Self.phone, "<mav xmlns='urn:xmpp:muc:affiliations:1'\(since)/>")
                isThere = true
                let own = try #require(told.first { $0.receiver == Self.phone })
                // Before all presence, or not at all.
                #expect(own.element.isNamed("message") || told.allSatisfy { $0.receiver != Self.phone || $0.element.child("body") == nil })
            case 2:
                let person = people.randomElement(using: &dice)!
                told = try play.enter(person, by: "\(person)/x")
            case 3: told = try play.leave("\(people.randomElement(using: &dice)!)/x")
            case 4:
                let pair = [people.randomElement(using: &dice)!, people.randomElement(using: &dice)!]
                let items = pair.map { "<item jid='\($0)' affiliation='\(["admin", "none", "member"].randomElement(using: &dice)!)'/>" }
                told = try play.send(
                    "<iq type='set' id='q' to='\(PlayedRoom.address)'><query xmlns='http://jabber.org/protocol/muc#admin'>\(items.joined())</query></iq>",
                    by: PlayedRoom.owner)
            default:
                let affiliation = ["owner", "admin", "member", "none", "outcast"].randomElement(using: &dice)!
                told = try play.affiliate(people.randomElement(using: &dice)!, affiliation)
            }
            for message in told where message.receiver == Self.phone { try view.hear(message.element) }
            guard isThere else { continue }
            #expect(view.affiliations == truth(play.room))
            #expect(view.version == play.room.currentVersion.until)
        }
    }

    @Test("who knows a version that is too old is told everything")
    func forgotten() throws {
        var versions = AffiliationVersions()
        let person = try JID("juliet@people.test")
        for number in 0..<AffiliationVersions.most + 10 {
            _ = versions.add(person, from: number % 2 == 0 ? .none : .member, to: number % 2 == 0 ? .member : .none)
        }
        #expect(versions.known == 10...AffiliationVersions.most + 10)
        #expect(versions.changes(since: 9) == nil)
        #expect(versions.changes(since: 10)?.count == AffiliationVersions.most)
        #expect(versions.changes(since: versions.number)?.isEmpty == true)
        #expect(versions.changes(since: versions.number + 1) == nil)
        versions.restart()
        #expect(versions.known == versions.number...versions.number)
        #expect(versions.number == AffiliationVersions.most + 11)
    }

    @Test("who could not read affiliations in a version is not told what has changed since")
    func earlier() throws {
        var play = try PlayedRoom()
        let version = play.room.currentVersion.until
        try play.affiliate("tybalt@people.test", "outcast")
        try play.affiliate("juliet@people.test", "admin")
        let request = "<mav xmlns='urn:xmpp:muc:affiliations:1' since='\(version)'/>"
        let told = try play.enter("Juliet", by: "juliet@people.test/b", request)
        #expect(told.refusal(of: "juliet@people.test/b") == "forbidden")
        #expect(play.room.occupant(with: try JID("juliet@people.test/b")) != nil)
        try play.leave("juliet@people.test/b")
        let all = try play.enter("Juliet", by: "juliet@people.test/b", "<mav xmlns='urn:xmpp:muc:affiliations:1'/>")
        #expect(all.refusal(of: "juliet@people.test/b") == nil)
        #expect(all.first { $0.receiver == "juliet@people.test/b" }?.element.child("x", in: .roomUser)?.children.filter { $0.isNamed("item") }.count == 3)
    }

    @Test("an account that is removed is in no version")
    func removed() throws {
        var play = try PlayedRoom()
        try play.affiliate("juliet@people.test", "member")
        let version = play.room.currentVersion.until
        play.room.forget(try JID("nobody@people.test"))
        #expect(play.room.currentVersion.until == version)
        play.room.forget(try JID("juliet@people.test"))
        let told = try play.enter("Phone", by: Self.phone, "<mav xmlns='urn:xmpp:muc:affiliations:1' since='\(version)'/>")
        var view = View()
        for message in told where message.receiver == Self.phone { try view.hear(message.element) }
        #expect(view.affiliations == ["romeo@people.test": "owner"])
    }
}
