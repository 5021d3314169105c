/// Who sees the real addresses of occupants (XEP-0045 §7.2.3, §7.2.4).
struct Anonymity: RoomAbility {
    enum Knowing: String, Sendable, CaseIterable {
        case moderators, anyone
    }

    var knowing = Knowing.moderators

    static let fields: [AbilityField<Self>] = [
        .choice("muc#roomconfig_whois", "Who may see real addresses?", \.knowing, [.moderators: "Moderators", .anyone: "Anyone"])
    ]

    var features: [String] { [isNonAnonymous ? "muc_nonanonymous" : "muc_semianonymous"] }

    /// §7.2.3: "the service MUST warn the user by including a status code of "100"".
    var entryCodes: [Int] { isNonAnonymous ? [100] : [] }

    var isNonAnonymous: Bool { knowing == .anyone }

    /// Whether somebody in a role sees the addresses of others.
    func reveals(to role: RoomRole) -> Bool { isNonAnonymous || role == .moderator }

    func codes(after before: Self) -> [Int] { [isNonAnonymous ? 172 : 173] }
}
