internal import FoundationEssentials
internal import NIOCore
internal import XMPP

/// A room with those who are in it, as it is kept while the server is restarted.
struct SavedRoom: Codable, Sendable {
    struct Person: Codable, Sendable {
        let address: String
        let affiliation: String
        let nickname: String?
        let reason: String?
    }

    struct Device: Codable, Sendable {
        let address: String
        let nickname: String
        let role: String
        let presence: [UInt8]
        let language: String?
    }

    struct Message: Codable, Sendable {
        let bytes: [UInt8]
        /// Milliseconds since 1970.
        let time: Int64
    }

    let address: String
    let secret: [UInt8]
    /// Milliseconds since 1970.
    let created: Int64
    let isLocked: Bool
    let configuration: String
    let people: [Person]
    let subject: [UInt8]
    let subjectAuthor: String?
    let subjectTime: Int64?
    let history: [Message]
    /// In the order in which their occupants have entered.
    let devices: [Device]

    init(_ room: Room) {
        address = room.address.description
        secret = room.secret
        created = room.created.milliseconds
        isLocked = room.isLocked
        configuration = room.configuration.stored
        people = room.affiliates.map { person, affiliate in
            Person(
                address: person.description, affiliation: affiliate.affiliation.rawValue,
                nickname: affiliate.nickname?.text, reason: affiliate.reason)
        }
        subject = Array(room.subject.content.readableBytesView)
        subjectAuthor = room.subject.author?.description
        subjectTime = room.subject.time?.milliseconds
        history = room.history.all.map { Message(bytes: Array($0.stanza.serialized.readableBytesView), time: $0.time.milliseconds) }
        devices = room.allOccupants.flatMap { occupant in
            occupant.devices.map { device in
                Device(
                    address: device.jid.description, nickname: occupant.nickname.text, role: occupant.role.rawValue,
                    presence: Array(device.presence.readableBytesView), language: device.language)
            }
        }
    }

    var encoded: [UInt8] {
        get throws { Array(try JSONEncoder().encode(self)) }
    }

    init(decoding bytes: [UInt8]) throws { self = try JSONDecoder().decode(Self.self, from: Data(bytes)) }

    /// The room as it was.
    func room(limits: Room.Limits) throws -> Room {
        let address = try JID(address)
        let affiliates = try people.map { person in
            (
                try JID(person.address),
                Affiliate(
                    affiliation: RoomAffiliation(rawValue: person.affiliation) ?? .none,
                    nickname: person.nickname.flatMap { try? Nickname($0) }, reason: person.reason)
            )
        }
        var room = Room(
            stored: address, created: DateTime(milliseconds: created), configuration: RoomConfiguration(stored: configuration),
            affiliates: Dictionary(affiliates, uniquingKeysWith: { first, _ in first }),
            subject: RoomSubject(
                content: ByteBuffer(bytes: subject), author: subjectAuthor.flatMap { try? JID($0) },
                time: subjectTime.map { DateTime(milliseconds: $0) }),
            secret: secret, limits: limits)
        room.isLocked = isLocked
        for message in history { message.add(to: &room) }
        for device in devices {
            let nickname = try Nickname(device.nickname)
            try room.insert(
                Occupant.Device(
                    jid: try JID(device.address), presence: ByteBuffer(bytes: device.presence),
                    language: device.language), nickname, RoomRole(rawValue: device.role) ?? .visitor)
        }
        return room
    }
}

extension SavedRoom.Message {
    fileprivate func add(to room: inout Room) {
        var limits = XMLLimits()
        limits.bytes = max(limits.bytes, bytes.count)
        guard let element = try? StanzaParser().parse(ByteBuffer(bytes: bytes), limits: limits) else { return }
        let stanza = Stanza(
            kind: .message, type: .groupchat, from: element["from"].flatMap { try? JID($0) }, to: nil, element: element)
        room.history.append(
            stanza, at: DateTime(milliseconds: time), isDelayed: true, room: room.address,
            limit: room.configuration.history.messages)
    }
}
