/// Who may read the list of members besides admins and owners (XEP-0045 §9.5).
struct MemberListAccess: RoomAbility {
    var roles: Set<RoomRole> = [.moderator, .participant, .visitor]

    static let fields: [AbilityField<Self>] = [
        .roles("muc#roomconfig_getmemberlist", "Roles that may read the list of members", \.roles)
    ]

    /// §5.2.1: in semi-anonymous rooms "members SHOULD NOT be allowed to retrieve the member list (as that list MUST
    /// contain the JID of each member)"; moderators see the addresses anyway.
    /// - Parameter role: that of an occupant; none of who is not there.
    func mayRead(_ role: RoomRole, _ affiliation: RoomAffiliation, in room: RoomConfiguration) -> Bool {
        if affiliation >= .admin { return true }
        guard room.anonymity.isNonAnonymous else { return role == .moderator && roles.contains(role) }
        return affiliation.has(.retrievesMemberList) || roles.contains(role)
    }
}
