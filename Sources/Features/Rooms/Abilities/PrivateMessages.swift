/// Who may write to single occupants (XEP-0045 §7.5).
struct PrivateMessages: RoomAbility {
    enum Senders: String, Sendable, CaseIterable {
        case anyone, participants, moderators, none
    }

    var senders = Senders.anyone

    static let fields: [AbilityField<Self>] = [
        .choice(
            "muc#roomconfig_allowpm", "Who may send private messages?", \.senders,
            [.anyone: "Anyone", .participants: "Anyone with voice", .moderators: "Moderators", .none: "Nobody"])
    ]

    func maySend(_ role: RoomRole) -> Bool {
        switch senders {
        case .anyone: role.has(.sendsPrivateMessages)
        case .participants: role >= .participant
        case .moderators: role >= .moderator
        case .none: false
        }
    }
}
