internal import XMPP

/// What anybody may know of a public room (XEP-0045 §6.3, XEP-0433 §6.2).
struct RoomListing: Sendable, Equatable {
    let address: String
    let name: String
    let description: String
    let language: String
    /// Whether one enters without a password, and without being a member.
    let isOpen: Bool
    let isNonAnonymous: Bool
    var occupants = 0

    /// - Returns: nil for rooms that are not to be found.
    init?(_ address: String, _ configuration: RoomConfiguration, occupants: Int = 0) {
        guard configuration.visibility.isPublic else { return nil }
        self.address = address
        name = configuration.description.name
        description = configuration.description.text
        language = configuration.description.language
        isOpen = !configuration.password.isRequired && !configuration.membersOnly.isMembersOnly
        isNonAnonymous = configuration.anonymity.isNonAnonymous
        self.occupants = occupants
    }
}
