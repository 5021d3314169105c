import NIOCore
import Testing
import XMPP

@testable import Features

/// Random things happen in a room, and clients note down what they are told: they always know what is so, and nothing
/// that is not for them.
struct RoomModelTests {
    @Test("a room and its clients agree", arguments: 1...40)
    func agree(seed: UInt64) throws {
        var play = try Play(seed: seed)
        for _ in 0..<300 { try play.step() }
    }

    /// What a client knows of the room.
    private struct View: Equatable {
        struct Other: Equatable {
            let role: String
            let affiliation: String
        }

        var others: [String: Other] = [:]
        var nickname: String?
    }

    private struct Play {
        static let address = "cave@rooms.test"
        var dice: Dice
        var room: Room
        var views: [JID: View] = [:]
        var milliseconds: Int64 = 1_000_000
        let devices: [JID]
        let roles: Set<RoomRole>

        init(seed: UInt64) throws {
            var dice = Dice(state: seed)
            devices = try (0..<6).flatMap { person in try ["a", "b"].map { try JID("p\(person)@people.test/\($0)") } }
            let choices: [Set<RoomRole>] = [[.moderator, .participant, .visitor], [.moderator, .participant], [.moderator]]
            roles = choices.randomElement(using: &dice) ?? []
            room = Room(try JID(Self.address), createdBy: devices[0], at: DateTime(milliseconds: 1_000), secret: [1, 2, 3])
            self.dice = dice
        }

        // MARK: What happens

        mutating func step() throws {
            if room.isEmpty, dice.chance(3) || room.isLocked { try begin() }
            milliseconds += Int64.random(in: 0...5_000, using: &dice)
            let device = devices.randomElement(using: &dice)!
            switch Int.random(in: 0..<24, using: &dice) {
            case 0..<6: try send("<presence to='\(Self.address)/\(nickname())'><x xmlns='http://jabber.org/protocol/muc'>\(dice.chance(2) ? "<password>secret</password>" : "")</x></presence>", by: device)
            case 6: try send("<presence type='unavailable' to='\(Self.address)/x'/>", by: device)
            case 7: try send("<presence to='\(Self.address)/\(nickname())'><show>\(["away", "dnd"].randomElement(using: &dice)!)</show></presence>", by: device)
            case 8, 9: try send("<message type='groupchat' id='m\(milliseconds)' to='\(Self.address)'><body>Hello</body></message>", by: device)
            case 10: try send("<message type='groupchat' to='\(Self.address)'><subject>\(milliseconds)</subject></message>", by: device)
            case 11: try send("<message type='chat' to='\(Self.address)/\(nickname())'><body>Psst</body></message>", by: device)
            case 12..<15: try administer("<item nick='\(nickname())' role='\(RoomRole.allCases.randomElement(using: &dice)!.rawValue)'/>", by: device)
            case 15..<18: try administer("<item jid='\(person())' affiliation='\(RoomAffiliation.allCases.randomElement(using: &dice)!.rawValue)'/>", by: device)
            case 18, 19: try configure(by: device)
            case 20: try send("<iq type='set' id='1' to='\(Self.address)'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_roomnick'><value>\(nickname())</value></field></x></query></iq>", by: device)
            case 21: try send("<message to='\(Self.address)'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='\(person())'/></x></message>", by: device)
            case 22: try send("<message type='error' to='\(Self.address)/x'><error type='wait'><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", by: device)
            default: if dice.chance(8) { try send("<iq type='set' id='1' to='\(Self.address)'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>", by: device) }
            }
        }

        private mutating func begin() throws {
            room = Room(try JID(Self.address), createdBy: devices[0], at: DateTime(milliseconds: 1_000), secret: [1, 2, 3])
            try send("<presence to='\(Self.address)/n0'><x xmlns='http://jabber.org/protocol/muc'/></presence>", by: devices[0])
            let shown = roles.map { "<value>\($0.rawValue)</value>" }.joined()
            try send(form("<field var='muc#roomconfig_presencebroadcast'>\(shown)</field>"), by: devices[0])
            #expect(!room.isLocked)
        }

        private mutating func nickname() -> String {
            ["n0", "n1", "n2", "n3", "N3", "n4", "n 5"].randomElement(using: &dice)!
        }

        private mutating func person() -> String { devices.randomElement(using: &dice)!.bare.description }

        private mutating func administer(_ item: String, by device: JID) throws {
            try send("<iq type='set' id='1' to='\(Self.address)'><query xmlns='http://jabber.org/protocol/muc#admin'>\(item)</query></iq>", by: device)
        }

        private func form(_ fields: String) -> String {
            "<iq type='set' id='1' to='\(Self.address)'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>\(fields)</x></query></iq>"
        }

        private mutating func configure(by device: JID) throws {
            let fields = [
                ("muc#roomconfig_moderatedroom", ["0", "1"]), ("muc#roomconfig_membersonly", ["0", "0", "1"]),
                ("muc#roomconfig_whois", ["anyone", "moderators", "moderators"]),
                ("muc#roomconfig_maxusers", ["3", "none"]), ("muc#roomconfig_changesubject", ["0", "1"]),
                ("muc#roomconfig_allowpm", ["anyone", "participants", "none"]),
            ].randomElement(using: &dice)!
            let value = fields.1.randomElement(using: &dice)!
            try send(form("<field var='\(fields.0)'><value>\(value)</value></field>"), by: device)
        }

        private mutating func send(_ text: String, by device: JID) throws {
            let element = try StanzaParser().parse(ByteBuffer(string: text))
            let kind: Stanza.Kind = element.isNamed("message") ? .message : element.isNamed("iq") ? .iq : .presence
            let type = try #require(StanzaType(of: kind, element))
            let stanza = Stanza(kind: kind, type: type, from: device, to: try JID(element["to"] ?? ""), element: element)
            let before = room
            let now = DateTime(milliseconds: milliseconds)
            let outcome = room.received(stanza, at: now)
            try perform(outcome, stanza, text, before)
            try check(text)
        }

        // MARK: What is told

        private mutating func perform(_ outcome: RoomOutcome, _ cause: Stanza, _ text: String, _ before: Room) throws {
            for action in outcome.actions {
                switch action {
                case .send(let stanza): try deliver(stanza, cause, text, before)
                case .broadcast(let stanza, let receivers):
                    for receiver in receivers {
                        var copy = stanza
                        copy.to = receiver
                        // Nobody hears what is said to all who is not there.
                        #expect(before.occupant(with: receiver) != nil || room.occupant(with: receiver) != nil)
                        try deliver(copy, cause, text, before)
                    }
                case .place(let message, _):
                    var more = RoomOutcome()
                    room.messagePlaced(message, at: DateTime(milliseconds: milliseconds), &more)
                    try perform(more, cause, text, before)
                case .retract, .moderate: break
                }
            }
            if outcome.changes.destruction != nil { #expect(room.isEmpty) }
        }

        private mutating func deliver(_ stanza: Stanza, _ cause: Stanza, _ text: String, _ before: Room) throws {
            let receiver = try #require(stanza.to)
            let isThere = before.occupant(with: receiver) != nil || room.occupant(with: receiver) != nil
            if stanza.type == .groupchat { #expect(isThere, "\(receiver) hears what is said after \(text)") }
            if stanza.kind == .presence, stanza.type != .error, !isThere {
                // Who believes to be there is told otherwise.
                #expect(receiver == cause.from && stanza.type == .unavailable)
            }
            checkAddresses(stanza, receiver, text, before)
            if stanza.kind == .presence, stanza.type != .error { try note(stanza, receiver) }
        }

        /// In semi-anonymous rooms nobody but moderators sees the addresses of others.
        private func checkAddresses(_ stanza: Stanza, _ receiver: JID, _ text: String, _ before: Room) {
            let rooms = [before, room]
            guard stanza.kind != .iq, stanza.type != .error, rooms.allSatisfy({ !$0.configuration.anonymity.isNonAnonymous }),
                rooms.allSatisfy({ $0.role(of: receiver) != .moderator })
            else { return }
            var stanza = stanza
            stanza.to = nil
            let written = String(buffer: stanza.serialized)
            for other in devices where !other.hasSameBare(as: receiver) {
                #expect(!written.contains(other.bare.description), "\(receiver) sees \(written) after \(text)")
            }
        }

        /// What a client makes of presence.
        private mutating func note(_ presence: Stanza, _ receiver: JID) throws {
            let element = try StanzaParser().parse(presence.serialized)
            let nickname = try #require(presence.from?.resource)
            let user = try #require(element.child("x", in: .roomUser))
            let item = try #require(user.child("item"))
            let codes = user.children.compactMap { $0.isNamed("status") ? $0["code"] : nil }
            let isOwn = codes.contains("110")
            guard presence.type == .available else {
                views[receiver]?.others[nickname] = nil
                if isOwn { if codes.contains("303") { views[receiver]?.nickname = item["nick"] } else { views[receiver] = nil } }
                return
            }
            var view = views[receiver] ?? View()
            view.others[nickname] = View.Other(role: item["role"] ?? "", affiliation: item["affiliation"] ?? "")
            if isOwn { view.nickname = nickname }
            views[receiver] = view
        }

        // MARK: What is so

        private func check(_ text: String) throws {
            let why = Comment(rawValue: "after \(text)")
            var keys: Set<String> = []
            for occupant in room.allOccupants {
                // One nickname, one person.
                #expect(keys.insert(occupant.nickname.key).inserted, why)
                #expect(occupant.devices.allSatisfy { $0.jid.bare == occupant.person }, why)
                // No role that the affiliation does not allow.
                let affiliation = room.affiliation(of: occupant.person)
                #expect(affiliation != .outcast && occupant.role != .none, why)
                if affiliation >= .admin { #expect(occupant.role == .moderator, why) }
                if room.configuration.membersOnly.isMembersOnly { #expect(affiliation >= .member, why) }
            }
            #expect(Set(room.receivers) == Set(room.allOccupants.flatMap { $0.devices.map(\.jid) }), why)
            #expect(room.receivers.count == Set(room.receivers).count, why)
            #expect(Set(views.keys) == Set(room.receivers), why)
            for (device, view) in views {
                guard let own = room.occupant(with: device) else { continue }
                #expect(view.nickname == own.nickname.text, why)
                var expected: [String: View.Other] = [:]
                for occupant in room.allOccupants where roles.contains(occupant.role) || occupant.jid == own.jid {
                    expected[occupant.nickname.text] = View.Other(
                        role: occupant.role.rawValue, affiliation: room.affiliation(of: occupant.person).rawValue)
                }
                #expect(view.others == expected, "\(device) \(text)")
            }
        }
    }
}

extension Dice {
    /// True once in so many times.
    fileprivate mutating func chance(_ times: Int) -> Bool { Int.random(in: 0..<times, using: &self) == 0 }
}
