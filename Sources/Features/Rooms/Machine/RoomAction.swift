internal import XMPP

/// What a room wants to be done, in this order.
enum RoomAction: Sendable {
    case send(Stanza)
    /// One stanza to many, who differ in nothing but their addresses.
    case broadcast(Stanza, to: [JID])
    /// A message from an occupant to all: it gets its place in the archive if it is worth one, and comes back as
    /// `messagePlaced`.
    case place(Stanza, by: JID)
    /// What somebody has said is to be taken back in the archive, if it was them.
    case retract(RoomRetraction)
    /// What somebody has said is to be taken back in the archive; if it is there, it comes back as `moderated`.
    case moderate(RoomModeration)
}

/// What has come of an event.
struct RoomOutcome: Sendable {
    var actions: [RoomAction] = []
    var changes = RoomChanges()

    mutating func send(_ stanza: Stanza) { actions.append(.send(stanza)) }

    mutating func broadcast(_ stanza: Stanza, to receivers: [JID]) {
        if !receivers.isEmpty { actions.append(.broadcast(stanza, to: receivers)) }
    }
}

/// What of a room is not any more as it was stored.
struct RoomChanges: Sendable, Equatable {
    var affiliates: Set<JID> = []
    /// The configuration, the subject or the lock.
    var isRoomChanged = false
    /// Some of the records.
    var areRecordsChanged = false
    /// The room is gone, with all that was stored of it.
    var destruction: RoomDestruction?

    var isEmpty: Bool { self == RoomChanges() }
}
