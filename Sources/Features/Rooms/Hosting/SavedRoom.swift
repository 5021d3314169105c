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
        let followsVersions: Bool?
    }

    struct Message: Codable, Sendable {
        let bytes: [UInt8]
        /// Milliseconds since 1970.
        let time: Int64
        /// Its place in the archive.
        let place: String?
        /// What tells who has sent it from others.
        let author: String?
    }

    struct Invitation: Codable, Sendable {
        let invitee: String
        let inviter: String
        let name: String
    }

    /// Somebody waits for being made a member.
    struct Registration: Codable, Sendable {
        let person: String
        let nickname: String
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
    // What earlier versions of the server have not kept.
    let invitations: [Invitation]?
    let registrations: [Registration]?
    /// When people have spoken last where one waits between two messages: milliseconds since 1970.
    let lastMessages: [String: Int64]?
    let activity: MessageActivity.Kept?

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
        history = room.history.all.map { stanza, time, origin in
            Message(
                bytes: Array(stanza.serialized.readableBytesView), time: time.milliseconds, place: origin.place,
                author: origin.author)
        }
        devices = room.allOccupants.flatMap { occupant in
            occupant.devices.map { device in
                Device(
                    address: device.jid.description, nickname: occupant.nickname.text, role: occupant.role.rawValue,
                    presence: Array(device.presence.readableBytesView), language: device.language,
                    followsVersions: device.followsVersions)
            }
        }
        invitations = room.invitations.all.map {
            Invitation(invitee: $0.invitee.description, inviter: $0.inviter.description, name: $0.name)
        }
        registrations = room.registrations.all.map {
            Registration(person: $0.person.description, nickname: $0.nickname.text)
        }
        lastMessages = Dictionary(
            room.lastMessages.all.map { ($0.key.description, $0.value.milliseconds) }, uniquingKeysWith: max)
        activity = room.activity.kept
    }

    var encoded: [UInt8] {
        get throws { Array(try JSONEncoder().encode(self)) }
    }

    init(decoding bytes: [UInt8]) throws { self = try JSONDecoder().decode(Self.self, from: Data(bytes)) }

    /// The room as it was.
    /// - Parameter records: what it keeps elsewhere.
    func room(limits: Room.Limits, _ records: RoomRecords) throws -> Room {
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
        room.records = records
        for message in history { message.add(to: &room) }
        for device in devices {
            let nickname = try Nickname(device.nickname)
            try room.insert(
                Occupant.Device(
                    jid: try JID(device.address), presence: ByteBuffer(bytes: device.presence),
                    language: device.language, followsVersions: device.followsVersions ?? false),
                nickname, RoomRole(rawValue: device.role) ?? .visitor)
        }
        for invitation in invitations ?? [] {
            room.invitations.add(try JID(invitation.invitee), by: try JID(invitation.inviter), named: invitation.name)
        }
        for request in registrations ?? [] {
            try room.registrations.add(try JID(request.person), try Nickname(request.nickname))
        }
        room.lastMessages = LastMessages(
            Dictionary(
                try (lastMessages ?? [:]).map { (try JID($0.key), DateTime(milliseconds: $0.value)) },
                uniquingKeysWith: { first, _ in first }))
        if let activity { room.activity = MessageActivity(activity) }
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
            limit: room.configuration.history.messages, DiscussionHistory.Origin(place: place, author: author))
    }
}
