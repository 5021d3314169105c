internal import XMPP

/// Somebody's affiliation is to be another one (XEP-0045 §9).
struct AffiliationItem: Sendable {
    /// A bare JID, or a domain for all who are there.
    let person: JID
    let affiliation: RoomAffiliation
    /// A nickname to be reserved, empty to give it free; nil leaves it as it is.
    var nickname: String?
    var reason: String?
}

/// An occupant's role is to be another one (XEP-0045 §8).
struct RoleItem: Sendable {
    let nickname: Nickname
    let role: RoomRole
    var reason: String?
}

/// One `<item/>` of a request that changes something.
enum AdministrationItem: Sendable {
    case affiliation(AffiliationItem)
    case role(RoleItem)

    /// - Throws: `bad-request` for what is neither, or both (§16.4).
    init(_ item: Element) throws(StanzaError) {
        let reason = item.child("reason")?.text
        switch (item["affiliation"], item["role"]) {
        case (let text?, nil):
            guard let affiliation = RoomAffiliation(rawValue: text), let address = item["jid"] else {
                throw StanzaError(.badRequest)
            }
            // "When processing a request that identifies a user by its full JID, a service SHOULD use the bare JID".
            guard let person = (try? JID(address))?.bare else { throw StanzaError(.jidMalformed) }
            guard !person.isDomain || affiliation <= .none else {
                throw StanzaError(.notAcceptable, "whole domains can only be banned")
            }
            self = .affiliation(
                AffiliationItem(person: person, affiliation: affiliation, nickname: item["nick"], reason: reason))
        case (nil, let text?):
            guard let role = RoomRole(rawValue: text), let nickname = item["nick"] else { throw StanzaError(.badRequest) }
            self = .role(RoleItem(nickname: try Nickname(nickname), role: role, reason: reason))
        case (nil, nil), (.some, .some): throw StanzaError(.badRequest)
        }
    }
}

/// What occupants are to be told of a change, when who has made it knows that it is made.
enum StandingAnnouncement: Sendable {
    case changed(Nickname, before: RoomRole, actor: String?, reason: String?, VersionStep?)
    case expelled(RoomPresence)
    case invited(Stanza)
    /// Of somebody who is not there.
    case absent(JID, RoomAffiliation, reason: String?, isTold: Bool, VersionStep?)

    func tell(_ room: Room, _ outcome: inout RoomOutcome) {
        switch self {
        case .changed(let nickname, let before, let actor, let reason, let version):
            guard let occupant = room.occupant(nickname) else { return }
            room.tellChange(of: occupant, before: before, actor: actor, reason: reason, version, &outcome)
        case .expelled(let presence): room.tellExpulsion(presence, &outcome)
        case .invited(let invitation): outcome.send(invitation)
        case .absent(let person, let affiliation, let reason, let isTold, let version):
            room.tellOfAbsent(person, affiliation, reason: reason, isPersonTold: isTold, version, &outcome)
        }
    }
}

extension [StandingAnnouncement] {
    func tell(_ room: Room, _ outcome: inout RoomOutcome) { for announcement in self { announcement.tell(room, &outcome) } }
}
