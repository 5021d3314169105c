/// Whether the service lists a room (XEP-0045 §6.3).
struct Visibility: RoomAbility {
    var isPublic = true

    static let fields: [AbilityField<Self>] = [
        .boolean("muc#roomconfig_publicroom", "Can the room be found by everybody?", \.isPublic)
    ]

    var features: [String] { [isPublic ? "muc_public" : "muc_hidden"] }
}
