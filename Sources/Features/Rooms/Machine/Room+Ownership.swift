internal import NIOCore
internal import XMPP

/// The room is configured, and destroyed (XEP-0045 §10).
extension Room {
    private static let admins = "muc#roomconfig_roomadmins"
    private static let owners = "muc#roomconfig_roomowners"

    private func checkOwner(_ device: JID) throws(StanzaError) {
        guard affiliation(of: device).has(.configures) else { throw StanzaError(.forbidden) }
    }

    /// §10.2: the configuration as it is.
    func configurationForm(for device: JID) throws(StanzaError) -> ByteBuffer {
        try checkOwner(device)
        func people(_ affiliation: RoomAffiliation) -> [String] {
            affiliates.filter { $0.value.affiliation == affiliation }.map(\.key.description).sorted()
        }
        let lists = [
            DataForm.Field(Self.admins, type: "jid-multi", label: "Admins of the room", values: people(.admin)),
            DataForm.Field(Self.owners, type: "jid-multi", label: "Owners of the room", values: people(.owner)),
        ]
        var writer = XMLWriter()
        writer.element("query", in: .roomOwner) {
            DataForm(.form, formType: RoomConfiguration.formType, configuration.formFields + lists).write(into: &$0)
        }
        return writer.buffer
    }

    /// A form is submitted or put away, or the room is to be no more.
    mutating func own(
        _ query: Element, by device: JID, answer: Stanza, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        try checkOwner(device)
        if let element = query.child("destroy") {
            // §10.9: occupants leave before the owner is told.
            destroy(RoomDestruction(element), &outcome)
            return outcome.send(answer)
        }
        if query.child("create") != nil, !isLocked || !isEmpty {
            throw StanzaError(.conflict, "there is such a room already")
        }
        guard let form = query.child("x", in: .dataForms).flatMap(DataForm.init) else { throw StanzaError(.badRequest) }
        switch form.kind {
        case .cancel:
            // §10.1.3: "If the service receives a cancellation, it MUST destroy the room."
            if isLocked { destroy(RoomDestruction(reason: nil), &outcome) }
            outcome.send(answer)
        case .submit: try configure(form, by: device, answer: answer, &outcome)
        case .form, .result: throw StanzaError(.badRequest)
        }
    }

    private mutating func configure(
        _ form: DataForm, by device: JID, answer: Stanza, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        guard form.formType ?? RoomConfiguration.formType == RoomConfiguration.formType else {
            throw StanzaError(.badRequest, "the form is of another type")
        }
        let before = configuration
        try configuration.submit(form)
        var announcements = try changeLists(form, by: actor(device), &outcome)
        if configuration != before || isLocked { outcome.changes.isRoomChanged = true }
        isLocked = false
        history.trim(to: configuration.history.messages)
        if configuration.membersOnly.isMembersOnly, !before.membersOnly.isMembersOnly {
            announcements += expelStrangers(&outcome)
        }
        outcome.send(answer)
        announcements.tell(self, &outcome)
        let isListChanged = !outcome.changes.affiliates.isEmpty
        notify(configuration.codes(after: before) + (isListChanged ? [104] : []), &outcome)
    }

    /// §10.2: "the service MUST remove any non-members from the room and include a status code of 322".
    private mutating func expelStrangers(_ outcome: inout RoomOutcome) -> [StandingAnnouncement] {
        var announcements: [StandingAnnouncement] = []
        for occupant in allOccupants where !affiliation(of: occupant.person).has(.entersMembersOnlyRoom) {
            announcements.append(.expelled(expel(occupant, codes: [322], actor: nil, reason: nil, nil, &outcome)))
        }
        return announcements
    }

    /// §10.2.1
    func notify(_ codes: [Int], _ outcome: inout RoomOutcome) {
        guard !codes.isEmpty else { return }
        outcome.broadcast(
            Stanza(.message, type: .groupchat, from: address, to: nil) { writer in
                writer.element("x", in: .roomUser) { RoomPresence.write(codes, into: &$0) }
            }, to: receivers)
    }

    /// The form has all admins and all owners, as they are to be from now on.
    private mutating func changeLists(
        _ form: DataForm, by actor: Actor, _ outcome: inout RoomOutcome
    ) throws(StanzaError) -> [StandingAnnouncement] {
        var wanted: [JID: RoomAffiliation] = [:]
        var lists: Set<RoomAffiliation> = []
        for (name, affiliation) in [(Self.admins, RoomAffiliation.admin), (Self.owners, .owner)] {
            guard let values = form[name] else { continue }
            lists.insert(affiliation)
            for value in values where !value.isEmpty {
                guard let person = (try? JID(value))?.bare, !person.isDomain else {
                    throw StanzaError(.notAcceptable, "\(name) are addresses of people")
                }
                wanted[person] = affiliation
            }
        }
        if lists.contains(.owner), !wanted.values.contains(.owner) { throw StanzaError(.conflict) }
        for (person, affiliate) in affiliates where lists.contains(affiliate.affiliation) && wanted[person] == nil {
            wanted[person] = RoomAffiliation.none
        }
        var announcements: [StandingAnnouncement] = []
        for (person, affiliation) in wanted.sorted(by: { $0.key.description < $1.key.description }) {
            // Who is an owner and is named as an admin only stays one, unless the owners were named, too.
            if affiliation == .admin, self.affiliation(of: person) == .owner, !lists.contains(.owner) { continue }
            guard self.affiliation(of: person) != affiliation else { continue }
            announcements += try apply(AffiliationItem(person: person, affiliation: affiliation), actor: actor, &outcome)
        }
        return announcements
    }
}
