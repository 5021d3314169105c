internal import XMPP

extension Room {
    /// §7.6: an occupant takes another nickname, with all devices. The presence under the new one is told afterwards.
    mutating func changeNickname(
        of occupant: Occupant, to nickname: Nickname, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        // Under one's own other nickname there is somebody, too: the devices would become one occupant.
        if let other = self.occupant(nickname), other.jid != occupant.jid { throw StanzaError(.conflict) }
        if isTaken(nickname, for: occupant.person) { throw StanzaError(.conflict) }
        _ = try address(nickname)
        var presence = RoomPresence(
            endOf: occupant, affiliation(of: occupant.person), role: occupant.role, codes: [303])
        presence.nickname = nickname.text
        tell(presence, &outcome)
        try rename(occupant, nickname)
    }
}
