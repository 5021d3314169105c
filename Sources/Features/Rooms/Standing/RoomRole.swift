/// What an occupant may do during one visit to a room (XEP-0045 §5.1).
enum RoomRole: String, Sendable, CaseIterable {
    case none, visitor, participant, moderator
}

extension RoomRole: Comparable {
    private var rank: Int {
        switch self {
        case .none: 0
        case .visitor: 1
        case .participant: 2
        case .moderator: 3
        }
    }

    static func < (left: RoomRole, right: RoomRole) -> Bool { left.rank < right.rank }
}

/// What needs a role (§5.1.1). What the configuration of a room decides besides is said by its abilities.
enum RolePrivilege: Sendable, CaseIterable {
    case isPresent, receivesMessages, receivesPresence, broadcastsPresence, changesAvailability, changesNickname
    case sendsPrivateMessages, invites, sendsToAll, changesSubject, kicks, grantsVoice, revokesVoice

    /// The table of §5.1.1: the lowest role that has the privilege; each role has all that lower ones have.
    var lowest: RoomRole {
        switch self {
        case .isPresent, .receivesMessages, .receivesPresence: .visitor
        case .broadcastsPresence, .changesAvailability, .changesNickname, .sendsPrivateMessages, .invites: .visitor
        case .sendsToAll: .participant
        // "Default; configuration settings MAY modify this privilege": see `SubjectChanges`.
        case .changesSubject: .moderator
        case .kicks, .grantsVoice, .revokesVoice: .moderator
        }
    }
}

extension RoomRole {
    func has(_ privilege: RolePrivilege) -> Bool { self >= privilege.lowest }

    /// The role in which somebody enters a room (§5.1.2).
    /// - Returns: nil for those who may not enter.
    static func initial(_ affiliation: RoomAffiliation, isModerated: Bool, isMembersOnly: Bool) -> RoomRole? {
        switch affiliation {
        case .outcast: nil
        case .none where isMembersOnly: nil
        case .none: isModerated ? .visitor : .participant
        case .member: .participant
        case .admin, .owner: .moderator
        }
    }

    /// The role of an occupant whose affiliation changes (§5.1.3, note): gained with what is gained, lost with the
    /// affiliation that it came from.
    /// - Returns: nil for those who have to leave.
    func changed(
        from before: RoomAffiliation, to after: RoomAffiliation, isModerated: Bool, isMembersOnly: Bool
    ) -> RoomRole? {
        guard let initial = Self.initial(after, isModerated: isModerated, isMembersOnly: isMembersOnly) else { return nil }
        if before >= .admin, after < .admin { return initial }
        return after > before ? max(self, initial) : self
    }
}
