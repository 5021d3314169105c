internal import NIOCore
package import Server
package import Storage
package import XMPP

/// XEP-0045: rooms where people meet, at `rooms.DOMAIN`; with invitations that do not pass through the room (XEP-0249),
/// answers to those who ask whether they are still there (XEP-0410), and marks of occupants (XEP-0421).
package struct MultiUserChat: Feature {
    package static let xeps = [45, 249, 317, 410, 421, 425, 433, 463, 486, 488, 500, 502]
    package static let settings = [
        AnySetting(label), AnySetting(creation), AnySetting(perAccount), AnySetting(occupants), AnySetting(affiliations),
        AnySetting(searches), AnySetting(goneTime),
    ]
    package static let migrations = RoomStore.migrations + RoomRecords.migrations

    /// Who may make rooms.
    enum Creators: String, Sendable, CaseIterable {
        /// Whoever can reach the service.
        case everybody
        /// The accounts of the domain that the service stands below.
        case domain
        case nobody
    }

    static let label = Setting(
        "rooms.label", default: "rooms",
        "The first part of the address of rooms; with \"rooms\" they are at rooms.DOMAIN. Whoever changes it loses sight of the rooms there are.")
    static let creation = Setting(
        "rooms.creation", default: Creators.domain,
        "Who may make rooms: everybody who can reach them, people with an account in the domain, or nobody.")
    static let perAccount = Setting(
        "rooms.per-account", default: 200, in: 1...100_000,
        "How many rooms that somebody has made may be in use at once, and how many persistent ones somebody may own.")
    static let occupants = Setting(
        "rooms.occupants", default: 10_000, in: 2...100_000, "How many people can be in one room at most.")
    static let affiliations = Setting(
        "rooms.affiliations", default: 10_000, in: 10...100_000,
        "How many members, admins, owners and banned people one room can have.")

    static let searches = Setting(
        "rooms.searches", default: 60, in: 1...100_000,
        "How often an account may look for rooms within a minute; all accounts of another server count as one.")

    static let goneTime = Setting(
        "rooms.gone", default: .seconds(31 * 86_400), in: .zero ... .seconds(3_650 * 86_400),
        "How long nobody but the administrator can make another room of the address of a persistent one that was destroyed: clients would bring it back unasked. 0s: not at all.")

    private unowned let kernel: Kernel
    private let service: RoomService

    package init(kernel: Kernel) {
        self.kernel = kernel
        service = RoomService(kernel: kernel)
    }

    package var registrations: [[Registration]] {
        let label = kernel.configuration[Self.label]
        let without = Set(kernel.configuration.domains.filter { !$0.hasRooms }.map(\.name))
        return [
            Registration.service(
                label, name: "Rooms", category: "conference", type: "text",
                receive: { stanza, loop, session throws(StanzaError) in try service.receive(stanza, loop, session) },
                where: { !without.contains($0.jid.description) }),
            Registration.advertise(
                ["http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#stable_id", "urn:xmpp:occupant-id:0", "vcard-temp"],
                on: .service(label)),
            Registration.advertise(.resultSets, on: .service(label)),
            Registration.iq(.get, "query", in: .discoveryItems, on: .service(label), .concurrent { request throws(StanzaError) in
                try await RoomList(kernel: kernel, directory: service.directory).answer(request)
            }),
            Registration.iq(.get, "search", in: .channelSearch, on: .service(label), .concurrent { request throws(StanzaError) in
                try await RoomSearch(kernel: kernel, directory: service.directory, quota: service.searches).answer(request)
            }),
            Registration.chore(every: .seconds(60)) { await service.tidy() },
            Registration.chore(every: .seconds(3_600)) { await service.archive.expire() },
            Registration.chore(every: .seconds(3_600)) { await service.forgetFormer() },
            Registration.chore(every: .seconds(1)) { await service.orders.look() },
            Registration.stopping { service.stop(on: $0) },
            Registration.sessionEnded { session, _ in service.ended(session) },
            SavedRooms(service: service).registrations,
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try RoomStore.remove(account, transaction)
    }
}
