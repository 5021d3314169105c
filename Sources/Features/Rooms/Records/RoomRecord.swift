internal import Storage
internal import XMPP

/// Something that a room keeps besides its configuration and its affiliations, with the tables where it is kept.
protocol RoomRecord: Sendable, Equatable {
    /// As it is in a room that was just made.
    init()

    static var migrations: [Migration] { get }
    static func load(_ room: JID, _ transaction: Transaction) throws -> Self

    /// Writes what is not as it was.
    /// - Parameter before: what is stored; nothing for a room that was not stored until now.
    func save(_ room: JID, before: Self, _ transaction: Transaction) throws
    static func delete(_ room: JID, _ transaction: Transaction) throws

    /// An account is removed, before the room's affiliations are: from storage, and from memory.
    static func remove(_ person: JID, _ transaction: Transaction) throws
    mutating func forget(_ person: JID)
}

extension RoomRecord {
    static func remove(_ person: JID, _ transaction: Transaction) throws {}
    mutating func forget(_ person: JID) {}
}

/// All that a room keeps in this way.
struct RoomRecords: Sendable, Equatable {
    var hats = Hats()
    var card = RoomCard()
    var versions = AffiliationVersions()
    var tokens = InvitationTokens()

    private static let kinds: [any RoomRecord.Type] = [
        Hats.self, RoomCard.self, AffiliationVersions.self, InvitationTokens.self,
    ]

    static let migrations: [Migration] = kinds.flatMap { $0.migrations }

    init() {}

    init(_ room: JID, _ transaction: Transaction) throws {
        hats = try .load(room, transaction)
        card = try .load(room, transaction)
        versions = try .load(room, transaction)
        tokens = try .load(room, transaction)
    }

    func save(_ room: JID, before: RoomRecords, _ transaction: Transaction) throws {
        try hats.save(room, before: before.hats, transaction)
        try card.save(room, before: before.card, transaction)
        try versions.save(room, before: before.versions, transaction)
        try tokens.save(room, before: before.tokens, transaction)
    }

    mutating func forget(_ person: JID) {
        hats.forget(person)
        tokens.forget(person)
    }

    static func delete(_ room: JID, _ transaction: Transaction) throws {
        for kind in kinds { try kind.delete(room, transaction) }
    }

    static func remove(_ person: JID, _ transaction: Transaction) throws {
        for kind in kinds { try kind.remove(person, transaction) }
    }
}
