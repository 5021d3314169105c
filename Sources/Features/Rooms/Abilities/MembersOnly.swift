internal import XMPP

/// Only those may enter who are on the list (XEP-0045 §7.2.6).
struct MembersOnly: RoomAbility {
    var isMembersOnly = false

    static let fields: [AbilityField<Self>] = [
        .boolean("muc#roomconfig_membersonly", "Is the room for members only?", \.isMembersOnly)
    ]

    var features: [String] { [isMembersOnly ? "muc_membersonly" : "muc_open"] }

    func admit(_ entrant: Entrant, to room: Room) throws(StanzaError) {
        if isMembersOnly, !entrant.affiliation.has(.entersMembersOnlyRoom) { throw StanzaError(.registrationRequired) }
    }
}
