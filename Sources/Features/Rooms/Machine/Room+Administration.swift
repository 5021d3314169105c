internal import NIOCore
internal import XMPP

/// Roles and affiliations are changed and listed (XEP-0045 §8, §9, §10.3–10.8).
extension Room {
    /// Who changes something.
    struct Actor: Sendable {
        let person: JID
        let affiliation: RoomAffiliation
        /// None for who is not in the room.
        let occupant: Occupant?

        var role: RoomRole { occupant?.role ?? .none }
        var name: String? { occupant?.nickname.text }
    }

    func actor(_ device: JID) -> Actor {
        Actor(person: device.bare, affiliation: affiliation(of: device), occupant: occupant(with: device))
    }

    /// Does all that a request asks for, or nothing.
    /// - Parameter answer: sent when who is taken out knows it, and before others do (§8.2).
    mutating func administer(
        _ query: Element, by device: JID, answer: Stanza, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        let items = query.children.filter { $0.isNamed("item", in: .roomAdmin) }
        guard !items.isEmpty else { throw StanzaError(.badRequest) }
        var announcements: [StandingAnnouncement] = []
        for item in items {
            // Anew each time: one's own standing may be among what changes.
            let actor = actor(device)
            switch try AdministrationItem(item) {
            case .role(let item): announcements += try apply(item, by: actor, &outcome)
            case .affiliation(let item):
                try check(item, by: actor)
                announcements += try apply(item, actor: actor, &outcome)
            }
        }
        outcome.send(answer)
        announcements.tell(self, &outcome)
    }

    // MARK: Roles

    private mutating func apply(
        _ item: RoleItem, by actor: Actor, _ outcome: inout RoomOutcome
    ) throws(StanzaError) -> [StandingAnnouncement] {
        guard actor.role == .moderator else { throw StanzaError(.forbidden) }
        guard let target = occupant(item.nickname) else { throw StanzaError(.itemNotFound) }
        let change = RoleChange(
            actor: RoleChange.Person(affiliation: actor.affiliation, role: actor.role),
            target: RoleChange.Person(affiliation: affiliation(of: target.person), role: target.role), after: item.role)
        try change.check()
        guard item.role != target.role else { return [] }
        guard item.role != .none else {
            return [.expelled(expel(target, codes: [307], actor: actor.name, reason: item.reason, nil, &outcome))]
        }
        set(item.role, of: target)
        return [.changed(target.nickname, before: target.role, actor: actor.name, reason: item.reason, nil)]
    }

    // MARK: Affiliations

    private func check(_ item: AffiliationItem, by actor: Actor) throws(StanzaError) {
        let before = item.person.isDomain ? affiliates[item.person]?.affiliation ?? .none : affiliation(of: item.person)
        try AffiliationChange(
            actor: actor.affiliation, before: before, after: item.affiliation, isOwn: item.person == actor.person,
            endsOwnership: affiliates.count { $0.value.affiliation == .owner } == 1
        ).check()
    }

    /// Changes an affiliation, and the roles that depend on it. Whether that may be is asked before.
    /// - Parameter actor: nil if nobody but the person itself has done it.
    mutating func apply(
        _ item: AffiliationItem, actor: Actor?, _ outcome: inout RoomOutcome
    ) throws(StanzaError) -> [StandingAnnouncement] {
        let known = affiliates[item.person]
        let affected = item.person.isDomain
            ? allOccupants.filter { affiliates[$0.person] == nil && $0.person.hasSameDomain(as: item.person) }
            : occupants(of: item.person)
        let before = item.person.isDomain ? RoomAffiliation.none : affiliation(of: item.person)
        var affiliate = known ?? Affiliate(affiliation: .none)
        affiliate.affiliation = item.affiliation
        if let reason = item.reason { affiliate.reason = reason } else if before != item.affiliation { affiliate.reason = nil }
        if let nickname = item.nickname { affiliate.nickname = nickname.isEmpty ? nil : try reserved(nickname, for: item.person) }
        // §9.1: "MUST remove the outcast's nickname from the list of registered nicknames".
        if item.affiliation <= .none { affiliate.nickname = nil }
        var version = try add(item.person, affiliate, &outcome)
        guard before != item.affiliation else { return [] }
        var announcements: [StandingAnnouncement] = []
        let invitation = welcome(item, before: before, actor)
        if affected.isEmpty || item.person.isDomain {
            announcements.append(
                .absent(item.person, item.affiliation, reason: item.reason, isTold: invitation == nil, version))
            version = nil
        }
        for occupant in affected {
            announcements.append(move(occupant, from: before, item, actor, version, &outcome))
            // One change is told once, however many nicknames somebody has.
            version = nil
        }
        if let invitation { announcements.append(.invited(invitation)) }
        return announcements
    }

    private mutating func move(
        _ occupant: Occupant, from before: RoomAffiliation, _ item: AffiliationItem, _ actor: Actor?,
        _ version: VersionStep?, _ outcome: inout RoomOutcome
    ) -> StandingAnnouncement {
        let role = occupant.role.changed(
            from: before, to: item.affiliation, isModerated: configuration.moderation.isModerated,
            isMembersOnly: configuration.membersOnly.isMembersOnly)
        guard let role else {
            // §9.1, §9.4
            let code = item.affiliation == .outcast ? 301 : 321
            return .expelled(expel(occupant, codes: [code], actor: actor?.name, reason: item.reason, version, &outcome))
        }
        set(role, of: occupant)
        return .changed(occupant.nickname, before: occupant.role, actor: actor?.name, reason: item.reason, version)
    }

    /// §9.5: "the service SHOULD send an invitation to any user who has been added to the member list of a members-only
    /// room if the user is not currently affiliated with the room".
    private func welcome(_ item: AffiliationItem, before: RoomAffiliation, _ actor: Actor?) -> Stanza? {
        guard let actor, configuration.membersOnly.isMembersOnly, item.affiliation == .member, before == .none,
            occupants(of: item.person).isEmpty
        else { return nil }
        let name = configuration.anonymity.isNonAnonymous ? actor.person : actor.occupant?.jid ?? address
        return invitation(to: item.person, from: name.description, like: nil)
    }

    private func reserved(_ text: String, for person: JID) throws(StanzaError) -> Nickname {
        let nickname = try Nickname(text)
        _ = try address(nickname)
        if isTaken(nickname, for: person) { throw StanzaError(.conflict) }
        return nickname
    }

    /// Keeps what somebody is to the room; nothing of those who are nothing.
    /// - Returns: the version that this makes; nil if the affiliation is the same.
    @discardableResult
    mutating func add(
        _ person: JID, _ affiliate: Affiliate, _ outcome: inout RoomOutcome
    ) throws(StanzaError) -> VersionStep? {
        let kept = affiliate.affiliation == .none ? nil : affiliate
        guard affiliates[person] != kept else { return nil }
        guard kept == nil || affiliates[person] != nil || affiliates.count < limits.affiliates else {
            throw StanzaError(.resourceConstraint, "the room knows too many people")
        }
        let before = affiliates[person]?.affiliation ?? .none
        affiliates[person] = kept
        outcome.changes.affiliates.insert(person)
        return noteVersion(person, from: before, to: affiliate.affiliation, &outcome)
    }

    // MARK: Lists

    /// §8.5, §9.2, §9.5, §9.8, §10.5, §10.8
    func list(_ query: Element, for device: JID) throws(StanzaError) -> ByteBuffer {
        let items = query.children.filter { $0.isNamed("item", in: .roomAdmin) }
        guard items.count == 1, let item = items.first else { throw StanzaError(.badRequest) }
        let actor = actor(device)
        var writer = XMLWriter()
        switch (item["affiliation"].map(RoomAffiliation.init(rawValue:)), item["role"].map(RoomRole.init(rawValue:))) {
        case (let affiliation??, nil):
            try checkList(affiliation, for: actor)
            writer.element("query", in: .roomAdmin) { writeAffiliates(affiliation, into: &$0) }
        case (nil, let role??) where role != .none:
            guard actor.role == .moderator else { throw StanzaError(.forbidden) }
            // §9.8 is among what only admins do.
            guard role != .moderator || actor.affiliation >= .admin else { throw StanzaError(.forbidden) }
            writer.element("query", in: .roomAdmin) { writeOccupants(role, into: &$0) }
        default: throw StanzaError(.badRequest)
        }
        return writer.buffer
    }

    private func checkList(_ affiliation: RoomAffiliation, for actor: Actor) throws(StanzaError) {
        let isAllowed =
            switch affiliation {
            case .outcast: actor.affiliation.has(.bans)
            case .member: configuration.memberListAccess.mayRead(actor.role, actor.affiliation, in: configuration)
            // "MUST return a <forbidden/> error to the sender in semi-anonymous rooms. In non-anonymous rooms, the
            // service MAY process the request."
            case .admin, .owner:
                actor.affiliation.has(.editsAdminList)
                    || (configuration.anonymity.isNonAnonymous && actor.affiliation.has(.retrievesMemberList))
            case .none: throw StanzaError(.badRequest)
            }
        guard isAllowed else { throw StanzaError(.forbidden) }
    }

    /// §16.4: no roles, bare JIDs, and nicknames.
    private func writeAffiliates(_ affiliation: RoomAffiliation, into writer: inout XMLWriter) {
        let found = affiliates.filter { $0.value.affiliation == affiliation }
        for (person, affiliate) in found.sorted(by: { $0.key.description < $1.key.description }) {
            let attributes: KeyValuePairs<StaticString, String?> = [
                "affiliation": affiliation.rawValue, "jid": person.description, "nick": affiliate.nickname?.text,
            ]
            writer.element("item", attributes) { $0.element("reason", text: affiliate.reason) }
        }
    }

    private func writeOccupants(_ role: RoomRole, into writer: inout XMLWriter) {
        for occupant in allOccupants where occupant.role == role {
            writer.element(
                "item",
                [
                    "affiliation": affiliation(of: occupant.person).rawValue, "jid": occupant.shown?.jid.description,
                    "nick": occupant.nickname.text, "role": role.rawValue,
                ])
        }
    }
}
