/// Whether those who are no moderators may change the subject (XEP-0045 §8.1).
struct SubjectChanges: RoomAbility {
    var isOpen = false

    static let fields: [AbilityField<Self>] = [
        .boolean("muc#roomconfig_changesubject", "May occupants change the subject?", \.isOpen)
    ]

    func mayChange(_ role: RoomRole) -> Bool { role.has(.changesSubject) || (isOpen && role.has(.sendsToAll)) }
}
