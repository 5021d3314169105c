/// Whether a room stays when the last occupant has left (XEP-0045 §7.14).
struct Persistence: RoomAbility {
    var isPersistent = false

    static let fields: [AbilityField<Self>] = [
        .boolean("muc#roomconfig_persistentroom", "Does the room stay when nobody is in it?", \.isPersistent)
    ]

    var features: [String] { [isPersistent ? "muc_persistent" : "muc_temporary"] }
}
