/// Whether the archive of a room is open to those who are not in it, and are not known to it (XEP-0045 §7.2.12).
struct PublicLogging: RoomAbility {
    var isLogged = false

    static let fields: [AbilityField<Self>] = [
        .boolean("muc#roomconfig_enablelogging", "Is the archive of the room open to everybody who may enter?", \.isLogged)
    ]

    /// "MUST also warn the user that the discussions are logged".
    var entryCodes: [Int] { isLogged ? [170] : [] }

    func codes(after before: Self) -> [Int] { [isLogged ? 170 : 171] }
}
