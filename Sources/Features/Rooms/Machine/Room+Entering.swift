internal import NIOCore
internal import XMPP

extension Room {
    /// §7.2: somebody wants to come in with a device.
    mutating func enter(
        _ stanza: Stanza, _ nickname: Nickname, at now: DateTime, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        guard let device = stanza.from else { return }
        let request = stanza.element?.child("x", in: .rooms)
        var entrant = Entrant(
            device: device, nickname: nickname, affiliation: affiliation(of: device),
            password: request?.child("password")?.text)
        try redeem(entrant, at: now, &outcome)
        entrant.affiliation = affiliation(of: device)
        let isNew = isLocked && isEmpty
        try admit(entrant, isNew: isNew)
        guard let role = configuration.initialRole(entrant.affiliation) else { throw StanzaError(.registrationRequired) }
        let before = occupant(nickname)
        try insert(
            Occupant.Device(
                jid: device, presence: RoomPresence.content(of: stanza), language: stanza.spokenLanguage,
                followsVersions: Self.versionRequest(stanza) != nil),
            before?.nickname ?? nickname, role)
        guard let occupant = occupant(with: device) else { return }
        var codes = isNew ? [201] : []
        // Another spelling of one's own nickname.
        if let before, before.nickname != nickname { codes.append(210) }
        welcome(occupant, device, stanza, codes, at: now, &outcome)
    }

    private func admit(_ entrant: Entrant, isNew: Bool) throws(StanzaError) {
        // §7.2.7
        if entrant.affiliation == .outcast { throw StanzaError(.forbidden) }
        // §7.2.10: "before the room creator provides an initial configuration and therefore before the room officially
        // exists".
        if isLocked, !isNew, entrant.affiliation != .owner { throw StanzaError(.itemNotFound) }
        for ability in configuration.abilities { try ability.admit(entrant, to: self) }
        // §7.2.8
        if isTaken(entrant.nickname, for: entrant.person) { throw StanzaError(.conflict) }
    }

    /// §7.1: the others, oneself, what was said, the subject; in this order.
    private func welcome(
        _ occupant: Occupant, _ device: JID, _ stanza: Stanza, _ codes: [Int], at now: DateTime,
        isTold: Bool = true, _ outcome: inout RoomOutcome
    ) {
        if let request = Self.versionRequest(stanza) { tellAffiliations(to: occupant, device, request, &outcome) }
        introduceOthers(to: occupant, device, &outcome)
        var presence = RoomPresence(of: occupant, affiliation(of: occupant.person))
        // "the room might also reflect the original 'id' value".
        var own = presence
        own.id = stanza.identifier
        if Self.versionRequest(stanza) != nil { own.version = currentVersion }
        let entryCodes = configuration.abilities.flatMap(\.entryCodes)
        outcome.send(own.stanza(to: device, revealing: device, [110] + codes + entryCodes))
        if isTold {
            presence.codes = []
            tell(presence, device: device, except: [device], &outcome)
        }
        let wanted = HistoryRequest(stanza.element?.child("x", in: .rooms)?.child("history"), at: now)
        for entry in history.entries(wanted, limit: configuration.history.messages, room: address) {
            var entry = entry
            entry.to = device
            outcome.send(entry)
        }
        outcome.send(subject.message(to: device, in: address))
    }

    /// §7.2.2: "it MUST send presence from all the existing participants' occupant JIDs to the new occupant's full JID".
    private func introduceOthers(to occupant: Occupant, _ device: JID, _ outcome: inout RoomOutcome) {
        for other in allOccupants
        where other.jid != occupant.jid && configuration.presenceBroadcast.shows(other.role) {
            outcome.send(introduction(of: other, to: device, occupant.role))
        }
    }

    /// The presence of an occupant for another one, who has a role.
    func introduction(of other: Occupant, to device: JID, _ role: RoomRole) -> Stanza {
        RoomPresence(of: other, affiliation(of: other.person))
            .stanza(to: device, revealing: configuration.anonymity.reveals(to: role) ? other.shown?.jid : nil)
    }

    /// §8: a moderator discovers addresses "automatically through presence".
    func introduceOthers(toModerator occupant: Occupant, _ outcome: inout RoomOutcome) {
        for device in occupant.devices { introduceOthers(to: occupant, device.jid, &outcome) }
    }

    /// §7.7: an occupant says something of their availability; §7.2.1: or has lost track, and asks for everything again.
    mutating func presenceChanged(
        _ stanza: Stanza, _ device: JID, isEntry: Bool, isRenamed: Bool, at now: DateTime, _ outcome: inout RoomOutcome
    ) {
        guard let before = occupant(with: device) else { return }
        let known = before.devices.first { $0.jid == device }
        let changed = Occupant.Device(
            jid: device, presence: RoomPresence.content(of: stanza), language: stanza.spokenLanguage,
            followsVersions: isEntry ? Self.versionRequest(stanza) != nil : known?.followsVersions ?? false)
        let isOther = isRenamed || known?.presence != changed.presence
        set(changed, of: before)
        guard let occupant = occupant(with: device) else { return }
        if isEntry { return welcome(occupant, device, stanza, [], at: now, isTold: isOther, &outcome) }
        var presence = RoomPresence(of: occupant, affiliation(of: occupant.person))
        presence.id = stanza.identifier
        outcome.send(versioned(presence, for: changed).stanza(to: device, revealing: device, [110]))
        presence.id = nil
        tell(presence, device: device, except: [device], &outcome)
    }
}

extension Stanza {
    /// The language of what it says, as far as it says so.
    var spokenLanguage: String? { element?.language ?? language }
}
