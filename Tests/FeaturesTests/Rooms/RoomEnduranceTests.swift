import Foundation
import NIOCore
import Server
import Storage
import Synchronization
import Testing
import XMPP

@testable import Features

/// Nobody falls out of a room unknowingly, whatever happens to connections, to the server, to rooms and to people.
@Suite struct RoomEnduranceTests {
    private static let hall = "hall@rooms.localhost"
    private static let den = "den@rooms.localhost"

    /// People come and go, are renamed, kicked and banned, rooms are closed and destroyed, connections are cut and left
    /// half open, the server is restarted: in the end what each client believes equals what the room believes, and
    /// nothing that was said during a visit is missing.
    @Test(arguments: 0..<100 as Range<UInt64>) func beliefEqualsTruth(_ seed: UInt64) async throws {
        for story in 0..<Self.rounds { try await tell(seed + 100 * story) }
    }

    private func tell(_ seed: UInt64) async throws {
        try await TestServer.run(loops: 3, accounts: 4, further: [MultiUserChat.self]) { server in
            var random = Dice(state: seed)
            let witness = try await Visitor(server, 4, "w")
            try await witness.found(Self.hall, isPersistent: true)
            var people = [witness]
            for (user, resource) in [(1, "a"), (1, "b"), (2, "a"), (3, "a")] {
                people.append(try await Visitor(server, user, resource))
            }
            let crowd = people.dropFirst()
            for step in 0..<50 {
                let person = crowd.randomElement(using: &random) ?? witness
                let room = Int.random(in: 0..<3, using: &random) == 0 ? Self.den : Self.hall
                switch Int.random(in: 0..<40, using: &random) {
                case 0: try await person.reconnect(isHalfOpen: true)
                case 1: await person.lose()
                case 2: try await person.beginAnew()
                case 3 where step.isMultiple(of: 5):
                    try await server.restart()
                    for person in people where !person.client.isAway { try await person.reconnect(isHalfOpen: false) }
                case 4...7: witness.judge(room, using: &random)
                case 8: witness.ask(room, "owner", "<destroy><reason>\(step)</reason></destroy>", if: room == Self.den)
                case 9: witness.close(room, Bool.random(using: &random))
                case 10: await person.ping()
                case 11...13: for person in people { person.client.read(answers: true) }
                case 14...16: witness.say("\(step)", in: Self.hall)
                case 17...25: person.say("\(step)", in: room)
                case 26...28: person.leave(room, using: &random)
                default: person.enter(room, using: &random)
                }
                if person.client.isAway, Bool.random(using: &random) { try await person.reconnect(isHalfOpen: false) }
            }
            for person in people { try await person.reconnect(isHalfOpen: false) }
            try await settle(server, people)
            try await compare(server, people, "seed \(seed)")
        }
    }

    private func settle(_ server: TestServer, _ people: [Visitor]) async throws {
        for _ in 0..<4 {
            for person in people { await person.ping() }
            try await server.kernel.database.write { _ in }
            for loop in server.kernel.loops { try await loop.eventLoop.submit {}.get() }
        }
        for person in people { person.client.read(answers: true) }
    }

    private func compare(_ server: TestServer, _ people: [Visitor], _ story: Comment) async throws {
        let all = people[0].belief.visit(Self.hall)?.heard ?? []
        for room in [Self.hall, Self.den] {
            let truth = await Truth.of(try JID(room), server)
            for person in people {
                let visit = person.belief.visit(room)
                #expect(visit?.nickname == truth.nicknames[person.client.jid.description], "\(person.client.jid) in \(room), \(story)")
                if let visit { #expect(visit.occupants == truth.occupants, "\(person.client.jid) in \(room), \(story)") }
                guard room == Self.hall else { continue }
                if let visit { #expect(all.suffix(visit.heard.count) == visit.heard[...], "\(person.client.jid), \(story)") }
                for heard in person.belief.former[room] ?? [] {
                    #expect(all.contains(slice: heard), "\(person.client.jid) heard \(heard) of \(all), \(story)")
                }
            }
        }
    }

    /// How many times a hundred stories are told.
    private static let rounds = ProcessInfo.processInfo.environment["MARTLET_ROUNDS"].flatMap(UInt64.init) ?? 1
}

extension [String] {
    /// Whether some of it, without a gap.
    fileprivate func contains(slice: [String]) -> Bool {
        guard let first = slice.first else { return true }
        return firstIndex(of: first).map { self[$0...].starts(with: slice) } ?? false
    }
}

/// What a room knows.
private struct Truth: Sendable {
    /// By device.
    var nicknames: [String: String] = [:]
    var occupants: [String: String] = [:]

    static func of(_ room: JID, _ server: TestServer) async -> Truth {
        var truth = Truth()
        for loop in server.kernel.loops {
            let found = await loop.run { loop in
                var truth = Truth()
                for occupant in loop[RoomService.rooms][room]?.room?.allOccupants ?? [] {
                    let affiliation = loop[RoomService.rooms][room]?.room?.affiliation(of: occupant.person) ?? .none
                    truth.occupants[occupant.nickname.text] = "\(affiliation) \(occupant.role)"
                    for device in occupant.devices { truth.nicknames[device.jid.description] = occupant.nickname.text }
                }
                return truth
            }
            truth.nicknames.merge(found.nicknames) { $1 }
            truth.occupants.merge(found.occupants) { $1 }
        }
        return truth
    }
}

/// Somebody who visits rooms, and remembers what they are told.
private final class Visitor {
    let client: ManagedClient
    private let user: Int
    private(set) var belief = RoomBelief()
    private var count = 0

    init(_ server: TestServer, _ user: Int, _ resource: String) async throws {
        self.user = user
        client = try await ManagedClient(server, user, resource)
        client.hears = { [unowned self] in belief.hear($0) }
        client.send("<presence/>")
    }

    private func send(_ stanza: String) { if !client.isAway { client.send(stanza) } }

    func ping() async { if !client.isAway { await client.ping() } }
    func lose() async { if !client.isAway { await client.lose() } }

    func reconnect(isHalfOpen: Bool) async throws {
        try await client.reconnect(isHalfOpen: isHalfOpen && !client.isAway)
    }

    func beginAnew() async throws {
        try await client.beginAnew { belief.forgetAll() }
        client.send("<presence/>")
    }

    /// Makes a room, and stays in it.
    func found(_ room: String, isPersistent: Bool) async throws {
        send("<presence to='\(room)/witness'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        ask(room, "owner", """
            <x xmlns='jabber:x:data' type='submit'><field var='muc#roomconfig_persistentroom'>\
            <value>\(isPersistent ? 1 : 0)</value></field></x>
            """)
        await client.ping()
    }

    func enter(_ room: String, using random: inout Dice) {
        let nickname = "user\(user)" + ["", "!", "?"][Int.random(in: 0..<3, using: &random)]
        let isEntry = belief.visit(room) == nil || Int.random(in: 0..<4, using: &random) == 0
        send("<presence to='\(room)/\(nickname)'>\(isEntry ? "<x xmlns='http://jabber.org/protocol/muc'/>" : "")</presence>")
    }

    func leave(_ room: String, using random: inout Dice) {
        let isAll = Int.random(in: 0..<4, using: &random) == 0
        send("<presence type='unavailable'\(isAll ? "" : " to='\(room)/\(belief.visit(room)?.nickname ?? "x")'")/>")
        if isAll { send("<presence/>") }
    }

    func say(_ text: String, in room: String) {
        count += 1
        send("<message type='groupchat' to='\(room)'><body>\(client.jid) \(text) \(count)</body></message>")
    }

    func ask(_ room: String, _ space: String, _ content: String, if isMeant: Bool = true) {
        guard isMeant else { return }
        count += 1
        send("""
            <iq type='set' id='ask-\(count)' to='\(room)'>\
            <query xmlns='http://jabber.org/protocol/muc#\(space)'>\(content)</query></iq>
            """)
    }

    /// Somebody is kicked, banned, or becomes something else.
    func judge(_ room: String, using random: inout Dice) {
        let person = Int.random(in: 1...3, using: &random)
        if Bool.random(using: &random), let nickname = belief.visit(room)?.occupants.keys.filter({ $0 != "witness" }).sorted().randomElement(using: &random) {
            let role = ["none", "visitor", "participant", "moderator"].randomElement(using: &random) ?? "none"
            ask(room, "admin", "<item nick='\(nickname)' role='\(role)'/>")
        } else {
            let affiliation = ["outcast", "none", "none", "member", "admin"].randomElement(using: &random) ?? "none"
            ask(room, "admin", "<item jid='user\(person)@localhost' affiliation='\(affiliation)'/>")
        }
    }

    /// Lets only members in, or everybody.
    func close(_ room: String, _ isClosed: Bool) {
        ask(room, "owner", """
            <x xmlns='jabber:x:data' type='submit'><field var='muc#roomconfig_membersonly'>\
            <value>\(isClosed ? 1 : 0)</value></field></x>
            """)
    }
}
