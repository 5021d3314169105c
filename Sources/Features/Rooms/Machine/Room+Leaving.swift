internal import NIOCore
internal import XMPP

extension Room {
    /// §7.14: a device leaves, of its own will or because its server says so. §16.3: "A room MUST silently ignore
    /// unavailable presence received from a user who has a role of "none"".
    mutating func leave(_ stanza: Stanza, _ outcome: inout RoomOutcome) {
        guard let device = stanza.from else { return }
        depart(device, content: RoomPresence.content(of: stanza), stanza.spokenLanguage, codes: [], &outcome)
    }

    /// §14.1: devices are found to be gone.
    mutating func vanished(_ devices: [JID], _ outcome: inout RoomOutcome) {
        for device in devices { depart(device, content: nil, nil, codes: [333], &outcome) }
    }

    private mutating func depart(
        _ device: JID, content: ByteBuffer?, _ language: String?, codes: [Int], _ outcome: inout RoomOutcome
    ) {
        guard let occupant = occupant(with: device) else { return }
        if isLocked, receivers.count == 1 { return destroy(RoomDestruction(reason: nil), &outcome) }
        var presence = RoomPresence(endOf: occupant, affiliation(of: occupant.person), codes: codes)
        presence.content = content
        presence.language = language
        outcome.send(presence.stanza(to: device, revealing: device, [110]))
        remove(device)
        if let remaining = self.occupant(occupant.nickname) {
            // Others go on seeing the occupant, as the device that is left.
            tell(RoomPresence(of: remaining, affiliation(of: occupant.person)), &outcome)
        } else {
            tellOthersGone(presence, device, &outcome)
        }
    }

    private func tellOthersGone(_ presence: RoomPresence, _ device: JID, _ outcome: inout RoomOutcome) {
        guard configuration.presenceBroadcast.shows(presence.occupant.role) else { return }
        tellOthers(presence, device: device, &outcome)
    }

    /// Takes an occupant out of the room: all devices, each of which is told.
    /// - Returns: what others are to be told.
    mutating func expel(
        _ occupant: Occupant, codes: [Int], actor: String?, reason: String?, _ version: VersionStep?,
        _ outcome: inout RoomOutcome
    ) -> RoomPresence {
        var presence = RoomPresence(endOf: occupant, affiliation(of: occupant.person), codes: codes)
        presence.actor = actor
        presence.reason = reason
        presence.version = version
        tellOwn(presence, &outcome)
        for device in occupant.devices { remove(device.jid) }
        return presence
    }

    /// Tells others that somebody was taken out, if they knew that they were in.
    func tellExpulsion(_ presence: RoomPresence, _ outcome: inout RoomOutcome) {
        guard configuration.presenceBroadcast.shows(presence.occupant.role) else { return }
        tellOthers(presence, &outcome)
    }

    /// §14.2: the service is about to stop, and with it the visits of some devices.
    mutating func shutDown(_ devices: Set<JID>, _ outcome: inout RoomOutcome) {
        guard !devices.isEmpty else { return }
        var gone: [RoomPresence] = []
        for occupant in allOccupants {
            let leaving = occupant.devices.filter { devices.contains($0.jid) }
            guard !leaving.isEmpty else { continue }
            let presence = RoomPresence(endOf: occupant, affiliation(of: occupant.person), codes: [332])
            for device in leaving {
                outcome.send(presence.stanza(to: device.jid, revealing: device.jid, [110]))
                remove(device.jid)
            }
            if self.occupant(occupant.nickname) == nil { gone.append(presence) }
        }
        // Those who have no reason to leave see the others go.
        guard !isEmpty else { return }
        for presence in gone { tellExpulsion(presence, &outcome) }
    }
}
