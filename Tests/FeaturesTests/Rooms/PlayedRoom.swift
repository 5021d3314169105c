import NIOCore
import Testing
import XMPP

@testable import Features

/// A room, and what people are told of it.
struct PlayedRoom {
    static let address = "garden@rooms.test"
    static let owner = "romeo@people.test/a"

    struct Told {
        let receiver: String
        let element: Element

        var error: String? { element.child("error")?.firstChild?.name }
    }

    var room: Room
    var now = DateTime(milliseconds: 946_684_800_000)

    /// A room that its owner has entered and configured.
    init(_ fields: [String: String] = [:]) throws {
        room = Room(try JID(Self.address), createdBy: try JID(Self.owner), at: DateTime(milliseconds: 1_000), secret: [1, 2, 3])
        try enter("Romeo", by: Self.owner)
        #expect(try configure(fields).error == nil)
    }

    mutating func pass(seconds: Int64) { now = DateTime(milliseconds: now.milliseconds + seconds * 1_000) }

    @discardableResult
    mutating func send(_ text: String, by device: String) throws -> [Told] {
        let element = try StanzaParser().parse(ByteBuffer(string: text))
        let kind: Stanza.Kind = element.isNamed("message") ? .message : element.isNamed("iq") ? .iq : .presence
        let type = try #require(StanzaType(of: kind, element))
        let to = try JID(element["to"] ?? Self.address)
        let stanza = Stanza(kind: kind, type: type, from: try JID(device), to: to, element: element)
        return try told(room.received(stanza, at: now))
    }

    private mutating func told(_ outcome: RoomOutcome) throws -> [Told] {
        var told: [Told] = []
        for action in outcome.actions {
            switch action {
            case .send(let stanza): told.append(try Self.told(stanza))
            case .broadcast(let stanza, let receivers):
                for receiver in receivers {
                    var stanza = stanza
                    stanza.to = receiver
                    told.append(try Self.told(stanza))
                }
            case .place(let message, _):
                var more = RoomOutcome()
                room.messagePlaced(message, at: now, &more)
                told += try self.told(more)
            case .retract, .moderate: break
            }
        }
        return told
    }

    private static func told(_ stanza: Stanza) throws -> Told {
        Told(receiver: stanza.to?.description ?? "", element: try StanzaParser().parse(stanza.serialized))
    }

    @discardableResult
    mutating func enter(_ nickname: String, by device: String, _ content: String = "", beside: String = "") throws -> [Told] {
        try send(
            "<presence id='e' to='\(Self.address)/\(nickname)'><x xmlns='http://jabber.org/protocol/muc'>\(content)</x>\(beside)</presence>",
            by: device)
    }

    @discardableResult
    mutating func leave(_ device: String) throws -> [Told] {
        try send("<presence type='unavailable' to='\(Self.address)/x'/>", by: device)
    }

    /// - Returns: the answer.
    @discardableResult
    mutating func ask(_ type: String, _ content: String, by device: String = Self.owner) throws -> Told {
        let told = try send("<iq type='\(type)' id='q' to='\(Self.address)'>\(content)</iq>", by: device)
        return try #require(told.first { $0.receiver == device && $0.element["id"] == "q" })
    }

    @discardableResult
    mutating func configure(_ fields: [String: String]) throws -> Told {
        let fields = fields.map { "<field var='\($0.key)'><value>\($0.value)</value></field>" }.joined()
        return try ask(
            "set",
            "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>\(fields)</x></query>")
    }

    @discardableResult
    mutating func affiliate(_ person: String, _ affiliation: String, by device: String = Self.owner) throws -> [Told] {
        try send(
            "<iq type='set' id='q' to='\(Self.address)'><query xmlns='http://jabber.org/protocol/muc#admin'><item jid='\(person)' affiliation='\(affiliation)'/></query></iq>",
            by: device)
    }

    /// Executes a command with a form.
    @discardableResult
    mutating func command(_ name: String, _ fields: [String: String], by device: String = Self.owner) throws -> [Told] {
        let fields = fields.map { "<field var='\($0.key)'><value>\($0.value)</value></field>" }.joined()
        return try send(
            "<iq type='set' id='q' to='\(Self.address)'><command xmlns='http://jabber.org/protocol/commands' node='urn:xmpp:hats:commands:\(name)'><x xmlns='jabber:x:data' type='submit'>\(fields)</x></command></iq>",
            by: device)
    }

    @discardableResult
    mutating func say(_ content: String = "<body>Ay me!</body>", by device: String) throws -> [Told] {
        try send("<message type='groupchat' id='m' to='\(Self.address)'>\(content)</message>", by: device)
    }

    /// The values of a field of what service discovery tells of the room.
    mutating func information(_ field: String, by device: String = Self.owner) throws -> [String]? {
        let answer = try ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", by: device)
        let query = try #require(answer.element.firstChild)
        return query.child("x", in: .dataForms).flatMap(DataForm.init)?[field]
    }
}

extension [PlayedRoom.Told] {
    /// The condition of the refusal that somebody is told; nil for none.
    func refusal(of device: String) -> String? { first { $0.receiver == device && $0.error != nil }?.error }
}
