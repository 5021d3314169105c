internal import Logging
internal import NIOCore
internal import Server
internal import Storage
internal import TLS
internal import XMPP

/// Brings what is sent to rooms to the one event loop that each room belongs to, and rooms into memory.
struct RoomService: Sendable {
    unowned let kernel: Kernel
    let directory = RoomDirectory()
    let archive: RoomArchive
    let quota: RoomQuota
    let searches: SearchQuota
    var orders: RoomOrders { RoomOrders(kernel: kernel) { stanza, loop in try? receive(stanza, loop, nil) } }
    private let limits: Room.Limits

    /// The rooms of an event loop, by their addresses.
    static let rooms = LoopSlot<[JID: HostedRoom]> { [:] }

    init(kernel: Kernel) {
        self.kernel = kernel
        archive = RoomArchive(kernel: kernel)
        limits = Room.Limits(
            occupants: kernel.configuration[MultiUserChat.occupants],
            affiliates: kernel.configuration[MultiUserChat.affiliations],
            roomsOfOwner: kernel.configuration[MultiUserChat.perAccount],
            card: kernel.configuration[VCard.sizeLimit].bytes, goneTime: kernel.configuration[MultiUserChat.goneTime])
        searches = SearchQuota(limit: kernel.configuration[MultiUserChat.searches], at: kernel.clock.now)
        quota = RoomQuota(limit: kernel.configuration[MultiUserChat.perAccount])
    }

    /// Takes what is not for the service itself.
    func receive(_ stanza: Stanza, _ loop: LoopContext, _ session: Session?) throws(StanzaError) {
        guard let room = stanza.to?.bare, !room.isDomain, stanza.from != nil else {
            if stanza.kind == .iq, stanza.type == .result || stanza.type == .error { return orders.answered(stanza) }
            return try HostedService.refuse(stanza, loop, session)
        }
        let event = HostedRoom.Event(
            stanza: stanza, settle: stanza.kind == .message ? session.map { archive.withhold($0) } : nil)
        loop.perform(on: self.loop(of: room)) { loop in hosted(room, on: loop).receive(event, on: loop) }
    }

    /// What a room may do.
    func limits(of room: JID) -> Room.Limits {
        var limits = limits
        limits.hasArchive = archive.hasArchive(room)
        return limits
    }

    func loop(of room: JID) -> Int { Int(UInt(bitPattern: room.storedHash) % UInt(kernel.loops.count)) }

    /// The room, which may have to be read first.
    private func hosted(_ address: JID, on loop: LoopContext) -> HostedRoom {
        if let room = loop[Self.rooms][address] { return room }
        let room = HostedRoom(address, self)
        loop[Self.rooms][address] = room
        let reference = kernel.loops[loop.index]
        reference.task {
            let result: Result<(Room?, FormerRoom?), StanzaError>
            do throws(StanzaError) { result = .success(try await read(address)) } catch { result = .failure(error) }
            reference.execute { loop in
                guard let room = loop[Self.rooms][address] else { return }
                switch result {
                case .success((let found, let former)): room.loaded(found, former, on: loop)
                case .failure(let error): room.failed(error, on: loop)
                }
            }
        }
        return room
    }

    /// The room as it was kept, with what was said last; or the one that there was.
    private func read(_ address: JID) async throws(StanzaError) -> (Room?, FormerRoom?) {
        let limits = limits(of: address)
        let (found, former) = try await kernel.read(of: address) { transaction in
            let room = try RoomStore.load(address, limits: limits, transaction)
            return (room, room == nil ? try FormerRoom.load(address, transaction) : nil)
        }
        guard var room = found else { return (nil, former) }
        if limits.hasArchive { try await archive.recall(&room) }
        return (room, nil)
    }

    /// Whether somebody may make a room.
    func mayCreate(_ room: JID, _ creator: JID) -> Bool {
        if creator.bare == room.domainJID { return true }
        return switch kernel.configuration[MultiUserChat.creation] {
        case .everybody: true
        case .domain: kernel.serves(domainOf: creator) && room.domain.hasSuffix(".\(creator.domain)")
        case .nobody: false
        }
    }

    // MARK: From time to time

    /// Forgets rooms that were destroyed long ago.
    func forgetFormer() async {
        let now = kernel.clock.date
        _ = try? await kernel.database.write { try FormerRoom.forgetOld(at: now, $0) }
    }

    /// Lets go of rooms that nobody is in, of devices that are gone, and of people whose accounts were removed.
    func tidy() async {
        let gone = (try? await kernel.database.write { try RoomStore.takeRemoved($0) }) ?? []
        for loop in kernel.loops {
            loop.execute { loop in
                for room in loop[Self.rooms].values { room.tidy(gone, on: loop) }
            }
        }
    }

    /// XEP-0045 §14.2
    /// - Parameter areKept: whether rooms are kept over the restart for those whose sessions are.
    func stop(areKept: Bool = true, on loop: LoopContext) {
        for room in loop[Self.rooms].values { room.stop(isKept: areKept, on: loop) }
        loop.flush()
    }

    /// A session has ended: it is in no room any more, whatever it has said of that.
    func ended(_ session: Session) {
        let (device, account) = (session.jid, session.account)
        for room in account.withState({ JoinedRooms.end(session.handle, in: &$0) }) {
            session.loop.perform(on: loop(of: room)) { loop in
                // Another session of the same address may have come meanwhile.
                guard !JoinedRooms.contains(room, device, account) else { return }
                let presence = Stanza(.presence, type: .unavailable, from: device, to: room)
                loop[Self.rooms][room]?.receive(HostedRoom.Event(stanza: presence, settle: nil), on: loop)
            }
        }
    }
}
