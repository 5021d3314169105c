/// Whose coming and going is told to others (XEP-0045 §7.2.2).
struct PresenceBroadcast: RoomAbility {
    var roles: Set<RoomRole> = [.moderator, .participant, .visitor]

    static let fields: [AbilityField<Self>] = [
        .roles("muc#roomconfig_presencebroadcast", "Roles whose presence is broadcast", \.roles)
    ]

    func shows(_ role: RoomRole) -> Bool { roles.contains(role) }
}
