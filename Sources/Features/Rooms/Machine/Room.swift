internal import NIOCore
internal import TLS
internal import XMPP

/// A room of XEP-0045: who is there, who may do what, what was said. A pure value: events go in, actions come out.
///
/// Stanzas from outside go to `received(_:at:)`; the rest of the machine is in extensions, one for each thing that can
/// be done in a room. Sockets, clocks, storage and the archive are the caller's.
struct Room: Sendable {
    /// What the service allows.
    struct Limits: Sendable {
        var occupants = 10_000
        /// People with an affiliation.
        var affiliates = 10_000
        /// Persistent rooms of one owner.
        var roomsOfOwner = 200
        /// Bytes of a vCard.
        var card = 131_072
        /// Whether what is said is archived.
        var hasArchive = false
        /// How long nobody makes another room of the address of a persistent one that was destroyed.
        var goneTime = Duration.zero
    }

    let address: JID
    let limits: Limits
    /// Makes the marks of occupants (XEP-0421); never told to anybody.
    let secret: [UInt8]
    let created: DateTime
    var configuration: RoomConfiguration
    var affiliates: [JID: Affiliate]
    var subject: RoomSubject
    var history = DiscussionHistory()
    /// Whether the room waits for its first configuration (§10.1).
    var isLocked: Bool

    /// By the key of their nickname.
    private var occupants: [String: Occupant] = [:]
    /// The keys of nicknames, by device.
    private var keys: [JID: String] = [:]
    /// The devices of all occupants: who receives what is said to all.
    private(set) var receivers: [JID] = []
    private var entered = 0
    /// The devices that have come and gone since they were last taken note of, in order.
    private(set) var movements: [Movement] = []
    /// How many messages came without an id.
    var unnamed = 0

    var invitations = PendingInvitations()
    var registrations = PendingRegistrations()
    var relay = IQRelay()
    var records = RoomRecords()
    var lastMessages = LastMessages()
    var activity = MessageActivity()

    /// A device comes or goes.
    enum Movement: Sendable {
        case entered(JID)
        case left(JID)
    }

    /// A room that somebody creates.
    init(_ address: JID, createdBy creator: JID, at now: DateTime, secret: [UInt8], limits: Limits = Limits()) {
        self.init(
            stored: address, created: now, configuration: RoomConfiguration(),
            affiliates: [creator.bare: Affiliate(affiliation: .owner)], subject: RoomSubject(), secret: secret,
            limits: limits)
        isLocked = true
    }

    /// A room as it was kept, with nobody in it.
    init(
        stored address: JID, created: DateTime, configuration: RoomConfiguration, affiliates: [JID: Affiliate],
        subject: RoomSubject, secret: [UInt8], limits: Limits = Limits()
    ) {
        self.address = address
        self.created = created
        self.configuration = configuration
        self.affiliates = affiliates
        self.subject = subject
        self.secret = secret
        self.limits = limits
        isLocked = false
    }

    // MARK: Who is who

    /// What somebody is to the room. §9.2: "match JIDs in the following order: <user@domain>, <domain>".
    func affiliation(of person: JID) -> RoomAffiliation {
        if let affiliate = affiliates[person.bare] { return affiliate.affiliation }
        if isService(person) { return .owner }
        if !affiliates.isEmpty, affiliates[person.domainJID]?.affiliation == .outcast { return .outcast }
        return .none
    }

    var occupantCount: Int { occupants.count }
    var isEmpty: Bool { occupants.isEmpty }

    /// In the order in which they have entered.
    var allOccupants: [Occupant] { occupants.values.sorted { $0.order < $1.order } }

    /// Without an order, and so cheaper.
    var someOccupants: some Collection<Occupant> { occupants.values }

    func occupant(_ nickname: Nickname) -> Occupant? { occupants[nickname.key] }

    /// The occupant that an address in the room belongs to.
    func occupant(at address: JID) -> Occupant? {
        guard let text = address.resource, let nickname = try? Nickname(text) else { return nil }
        return occupant(nickname)
    }

    /// The occupant that a device belongs to.
    func occupant(with device: JID) -> Occupant? { keys[device].flatMap { occupants[$0] } }

    /// All that somebody is in the room, under several nicknames maybe.
    func occupants(of person: JID) -> [Occupant] { allOccupants.filter { $0.person == person } }

    func role(of device: JID) -> RoomRole { occupant(with: device)?.role ?? .none }

    /// Whether somebody else has a nickname: is there with it, or has had it reserved (§7.2.8).
    func isTaken(_ nickname: Nickname, for person: JID) -> Bool {
        if let occupant = occupant(nickname), occupant.person != person { return true }
        return affiliates.contains { $0.key != person && $0.value.nickname?.key == nickname.key }
    }

    /// What tells somebody from others for ever (XEP-0421 §4).
    func markName(of person: JID) -> String {
        person.withUTF8 { Hash.sha256.hmac(key: secret, Array($0)) }.prefix(20).hexadecimal
    }

    /// The element.
    func mark(of person: JID) -> ByteBuffer {
        var writer = XMLWriter()
        writer.element("occupant-id", in: .occupantIdentifiers, ["id": markName(of: person)])
        return writer.buffer
    }

    // MARK: Changes

    mutating func insert(_ device: Occupant.Device, _ nickname: Nickname, _ role: RoomRole) throws(StanzaError) {
        let address = try address(nickname)
        keys[device.jid] = nickname.key
        receivers.append(device.jid)
        movements.append(.entered(device.jid))
        if occupants[nickname.key] != nil {
            occupants[nickname.key]?.devices.append(device)
            return
        }
        entered += 1
        occupants[nickname.key] = Occupant(
            jid: address, nickname: nickname, person: device.jid.bare, mark: mark(of: device.jid.bare),
            hats: records.hats.element(of: device.jid.bare), role: role, devices: [device], order: entered)
    }

    /// A device is gone, and with the last one the occupant.
    mutating func remove(_ device: JID) {
        guard let key = keys.removeValue(forKey: device) else { return }
        movements.append(.left(device))
        if let index = receivers.firstIndex(of: device) { receivers.remove(at: index) }
        occupants[key]?.devices.removeAll { $0.jid == device }
        if occupants[key]?.devices.isEmpty == true { occupants[key] = nil }
    }

    mutating func rename(_ occupant: Occupant, _ nickname: Nickname) throws(StanzaError) {
        let renamed = occupant.renamed(nickname, try address(nickname))
        occupants[occupant.nickname.key] = nil
        occupants[nickname.key] = renamed
        for device in renamed.devices { keys[device.jid] = nickname.key }
    }

    mutating func set(_ role: RoomRole, of occupant: Occupant) { occupants[occupant.nickname.key]?.role = role }

    mutating func set(_ hats: ByteBuffer, of occupant: Occupant) { occupants[occupant.nickname.key]?.hats = hats }

    /// A device has said something of its availability: it is shown from now on.
    mutating func set(_ device: Occupant.Device, of occupant: Occupant) {
        occupants[occupant.nickname.key]?.devices.removeAll { $0.jid == device.jid }
        occupants[occupant.nickname.key]?.devices.append(device)
    }

    mutating func takeMovements() -> [Movement] {
        defer { movements = [] }
        return movements
    }

    func address(_ nickname: Nickname) throws(StanzaError) -> JID {
        do throws(JIDError) {
            return try address.with(resource: nickname.text)
        } catch {
            throw StanzaError(.jidMalformed, error.description)
        }
    }
}

extension StanzaError {
    /// XEP-0045 §7.4, §7.5; XEP-0410 §3.2
    static let notInRoom = StanzaError(.notAcceptable, "you are not in the room", kind: .cancel)
}

extension Namespace {
    /// What who enters says (§7.2.1).
    static let rooms: Namespace = "http://jabber.org/protocol/muc"
    static let roomAdmin: Namespace = "http://jabber.org/protocol/muc#admin"
    static let roomOwner: Namespace = "http://jabber.org/protocol/muc#owner"
}

extension Room {
    /// Whether nothing is lost that is not stored when the room leaves memory.
    var remembersNothing: Bool {
        isEmpty && (limits.hasArchive || history.isEmpty) && registrations.isEmpty && lastMessages.isEmpty && activity.isEmpty
    }

    /// XEP-0313 §8: those who are there, who belong to the room, or anybody who may enter where that is so configured. Who
    /// asks an archive cannot say a password.
    func mayReadArchive(_ device: JID) -> Bool {
        let affiliation = affiliation(of: device)
        guard affiliation != .outcast, !isLocked else { return false }
        return affiliation >= .member || occupant(with: device) != nil
            || (configuration.logging.isLogged && !configuration.password.isRequired
                && configuration.initialRole(affiliation) != nil)
    }

    /// An account was removed: who has the same name one day is somebody else.
    mutating func forget(_ person: JID) {
        records.forget(person)
        if affiliates.removeValue(forKey: person) != nil { records.versions.restart() }
    }
}

extension Sequence<UInt8> {
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
