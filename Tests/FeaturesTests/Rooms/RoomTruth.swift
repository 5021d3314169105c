import Foundation
import NIOCore
import Server
import Storage
import XMPP

@testable import Features

/// What a server knows of a room.
struct RoomTruth: Codable, Sendable {
    /// By device.
    var nicknames: [String: String] = [:]
    /// By nickname: `affiliation role`.
    var occupants: [String: String] = [:]
    /// By bare JID. The rest is as it is kept, and empty for rooms that are not.
    var affiliations: [String: String] = [:]
    var isMembersOnly = false
    var subject: String?
    /// The bodies in the archive, in order.
    var archive: [String] = []

    init() {}

    init(of room: JID, _ kernel: Kernel) async throws {
        for loop in kernel.loops {
            let found = await loop.run { loop in
                var truth = RoomTruth()
                for occupant in loop[RoomService.rooms][room]?.room?.allOccupants ?? [] {
                    let affiliation = loop[RoomService.rooms][room]?.room?.affiliation(of: occupant.person) ?? .none
                    truth.occupants[occupant.nickname.text] = "\(affiliation) \(occupant.role)"
                    for device in occupant.devices { truth.nicknames[device.jid.description] = occupant.nickname.text }
                }
                return truth
            }
            nicknames.merge(found.nicknames) { $1 }
            occupants.merge(found.occupants) { $1 }
        }
        guard let stored = try await kernel.database.read({ try RoomStore.load(room, limits: Room.Limits(), $0) }) else { return }
        affiliations = Dictionary(
            stored.affiliates.map { ($0.key.description, $0.value.affiliation.rawValue) }, uniquingKeysWith: { first, _ in first })
        isMembersOnly = stored.configuration.membersOnly.isMembersOnly
        subject = stored.subject.text
        var query = ArchiveQuery(owner: room.description, limit: 1_000)
        while true {
            let page = try await kernel.archive.page(query) { _, payload, buffer in try payload(&buffer) }
            for result in page?.results ?? [] {
                if let body = try StanzaParser().parse(result.rendered).child("body")?.text { archive.append(body) }
            }
            guard let last = page?.results.last?.place, page?.isComplete == false else { return }
            query.pageAfter = last
        }
    }

    /// Lets everything have its effects.
    static func settle(_ kernel: Kernel) async throws {
        try await kernel.database.write { _ in }
        for loop in kernel.loops { try await loop.eventLoop.submit {}.get() }
    }
}
