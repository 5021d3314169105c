/// Who is new has no voice (XEP-0045 §5.1.2).
struct Moderation: RoomAbility {
    var isModerated = false

    static let fields: [AbilityField<Self>] = [
        .boolean("muc#roomconfig_moderatedroom", "Is the room moderated?", \.isModerated)
    ]

    var features: [String] { [isModerated ? "muc_moderated" : "muc_unmoderated"] }
}
