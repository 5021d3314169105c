/// What somebody is to a room, whether they are there or not (XEP-0045 §5.2).
enum RoomAffiliation: String, Sendable, CaseIterable {
    case outcast, none, member, admin, owner
}

extension RoomAffiliation: Comparable {
    private var rank: Int {
        switch self {
        case .outcast: 0
        case .none: 1
        case .member: 2
        case .admin: 3
        case .owner: 4
        }
    }

    static func < (left: RoomAffiliation, right: RoomAffiliation) -> Bool { left.rank < right.rank }
}

/// What needs an affiliation (§5.2.1).
enum AffiliationPrivilege: Sendable, CaseIterable {
    case entersOpenRoom, registersWithOpenRoom, retrievesMemberList, entersMembersOnlyRoom
    case bans, editsMemberList, assignsModerators, editsAdminList, editsOwnerList, configures, destroys

    /// The table of §5.2.1: the lowest affiliation that has the privilege.
    var lowest: RoomAffiliation {
        switch self {
        case .entersOpenRoom, .registersWithOpenRoom: .none
        case .retrievesMemberList, .entersMembersOnlyRoom: .member
        case .bans, .editsMemberList, .assignsModerators: .admin
        case .editsAdminList, .editsOwnerList, .configures, .destroys: .owner
        }
    }
}

extension RoomAffiliation {
    func has(_ privilege: AffiliationPrivilege) -> Bool { self >= privilege.lowest }
}
