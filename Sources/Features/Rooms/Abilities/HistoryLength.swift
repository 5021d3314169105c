internal import XMPP

/// How much of the discussion who enters is shown at most (XEP-0045 §7.2.13).
struct HistoryLength: RoomAbility {
    var messages = 50
    /// What a room keeps in memory.
    static let most = 200

    static let fields: [AbilityField<Self>] = [
        AbilityField(
            name: "muc#maxhistoryfetch", type: "text-single", label: "How many messages are shown to who enters?",
            get: { ["\($0.messages)"] },
            set: { (ability, values) throws(StanzaError) in
                guard let number = values.first.flatMap({ Int($0) }), number >= 0 else {
                    throw StanzaError(.notAcceptable, "muc#maxhistoryfetch is a number")
                }
                ability.messages = min(number, most)
            })
    ]
}
