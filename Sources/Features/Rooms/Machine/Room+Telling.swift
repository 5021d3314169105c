internal import NIOCore
internal import XMPP

extension Room {
    /// Tells everybody who may know it what an occupant is now, or that they are not there any more.
    /// - Parameters:
    ///   - own: status codes for the occupant's own devices.
    ///   - device: the one that it is about; nil for the shown one.
    ///   - wasShown: whether others know of the occupant; nil: whether they are shown those with this role.
    ///   - skipped: devices that are told otherwise.
    func tell(
        _ presence: RoomPresence, own codes: [Int] = [], device: JID? = nil, wasShown: Bool? = nil,
        except skipped: Set<JID> = [], _ outcome: inout RoomOutcome
    ) {
        let occupant = presence.occupant
        tellOwn(presence, own: codes, device: device, except: skipped, &outcome)
        guard wasShown ?? configuration.presenceBroadcast.shows(presence.role ?? occupant.role) else { return }
        tellOthers(presence, device: device, &outcome)
    }

    /// The occupant's own devices: what they receive refers to themselves, and their own address is no secret.
    func tellOwn(
        _ presence: RoomPresence, own codes: [Int] = [], device: JID? = nil, except skipped: Set<JID> = [],
        _ outcome: inout RoomOutcome
    ) {
        let occupant = presence.occupant
        for own in occupant.devices where !skipped.contains(own.jid) {
            let about = device ?? (presence.type == .unavailable ? own.jid : occupant.shown?.jid ?? own.jid)
            outcome.send(versioned(presence, for: own).stanza(to: own.jid, revealing: about, [110] + codes))
        }
    }

    /// XEP-0463 §5.2.1: an occupant's own presence says which version there is, to those who want to know.
    func versioned(_ presence: RoomPresence, for device: Occupant.Device) -> RoomPresence {
        guard device.followsVersions, presence.type == .available, presence.version == nil else { return presence }
        var presence = presence
        presence.version = currentVersion
        return presence
    }

    /// Everybody else: one stanza for those who see addresses, and one for those who do not.
    func tellOthers(_ presence: RoomPresence, device: JID? = nil, _ outcome: inout RoomOutcome) {
        let occupant = presence.occupant
        let about = device ?? occupant.shown?.jid
        if configuration.anonymity.isNonAnonymous {
            let own = Set(occupant.devices.map(\.jid))
            outcome.broadcast(
                presence.stanza(to: nil, revealing: about), to: receivers.filter { !own.contains($0) })
            return
        }
        var knowing: [JID] = []
        var others: [JID] = []
        for other in someOccupants where other.jid != occupant.jid {
            let devices = other.devices.map(\.jid)
            if configuration.anonymity.reveals(to: other.role) { knowing += devices } else { others += devices }
        }
        outcome.broadcast(presence.stanza(to: nil, revealing: about), to: knowing)
        outcome.broadcast(presence.stanza(to: nil, revealing: nil), to: others)
    }

    /// §10.3: "If the user is not in the room, the service MAY send a message from the room itself to the room occupants";
    /// those hear of it who see addresses. §17.1: the person itself is told, too.
    func tellOfAbsent(
        _ person: JID, _ affiliation: RoomAffiliation, reason: String?, isPersonTold: Bool = true,
        _ version: VersionStep?, _ outcome: inout RoomOutcome
    ) {
        let message = Stanza(.message, type: .normal, from: address, to: nil) { writer in
            writer.element("x", in: .roomUser) { writer in
                version?.write(into: &writer)
                writer.element(
                    "item", ["affiliation": affiliation.rawValue, "jid": person.description, "role": "none"]
                ) { $0.element("reason", text: reason) }
            }
        }
        let knowing = allOccupants.filter { configuration.anonymity.reveals(to: $0.role) }
        outcome.broadcast(message, to: knowing.flatMap { $0.devices.map(\.jid) })
        guard isPersonTold, !person.isDomain else { return }
        outcome.send(
            Stanza(.message, type: .normal, from: address, to: person) { writer in
                writer.element("x", in: .roomUser) { RoomPresence.write([101], into: &$0) }
            })
    }

    /// Tells everybody what an occupant is now; who is not shown any more is gone for others.
    /// - Parameter before: the role until now.
    func tellChange(
        of occupant: Occupant, before: RoomRole, actor: String?, reason: String?, codes: [Int] = [],
        _ version: VersionStep?, _ outcome: inout RoomOutcome
    ) {
        var presence = RoomPresence(of: occupant, affiliation(of: occupant.person))
        presence.version = version
        presence.actor = actor
        presence.reason = reason
        presence.codes = codes
        tellOwn(presence, &outcome)
        if occupant.role == .moderator, before < .moderator, !configuration.anonymity.isNonAnonymous {
            introduceOthers(toModerator: occupant, &outcome)
        }
        let broadcast = configuration.presenceBroadcast
        if broadcast.shows(occupant.role) {
            tellOthers(presence, &outcome)
        } else if broadcast.shows(before) {
            tellOthers(RoomPresence(endOf: occupant, affiliation(of: occupant.person)), &outcome)
        }
    }
}
