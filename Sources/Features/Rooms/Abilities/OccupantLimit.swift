internal import XMPP

/// How many people a room holds (XEP-0045 §7.2.9).
struct OccupantLimit: RoomAbility {
    /// Nil: as many as the service allows.
    var limit: Int?

    /// More than anybody could mean.
    private static let most = 100_000
    /// "up to some reasonable number of additional occupants; this helps to prevent denial of service attacks caused
    /// by stuffing the room with non-admin users".
    private static let reserve = 10

    static let fields: [AbilityField<Self>] = [
        AbilityField(
            name: "muc#roomconfig_maxusers", type: "list-single", label: "How many occupants at most?",
            options: ["10", "20", "30", "50", "100", "none"],
            labels: ["none": "As many as the service allows"], get: { [$0.limit.map(String.init) ?? "none"] },
            set: { (ability, values) throws(StanzaError) in
                switch values.first {
                case "none", "", nil: ability.limit = nil
                case let text?:
                    guard let number = Int(text), (1...most).contains(number) else {
                        throw StanzaError(.notAcceptable, "muc#roomconfig_maxusers is a number from 1, or none")
                    }
                    ability.limit = number
                }
            })
    ]

    func admit(_ entrant: Entrant, to room: Room) throws(StanzaError) {
        // Another device of somebody who is there takes no place.
        guard room.occupant(entrant.nickname) == nil else { return }
        let limit = min(limit ?? .max, room.limits.occupants)
        guard room.occupantCount < (entrant.affiliation >= .admin ? limit + Self.reserve : limit) else {
            throw StanzaError(.serviceUnavailable, kind: .wait)
        }
    }
}
