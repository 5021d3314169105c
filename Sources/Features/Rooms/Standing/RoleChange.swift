internal import XMPP

/// An occupant's role is to become another one: whether that may be (XEP-0045 §5.1.3, §8.2–8.5, §9.6–9.8).
struct RoleChange: Sendable {
    struct Person: Sendable {
        let affiliation: RoomAffiliation
        let role: RoomRole
    }

    let actor: Person
    let target: Person
    let after: RoomRole

    /// Who makes a role another one.
    enum Requirement: Sendable {
        case moderator
        /// An admin or an owner.
        case admin
    }

    /// The chart of §5.1.3; nil where nothing changes. Nobody is brought in by others.
    static func requirement(from before: RoomRole, to after: RoomRole) -> Requirement? {
        let chart: [RoomRole: [RoomRole: Requirement]] = [
            .visitor: [.none: .moderator, .participant: .moderator, .moderator: .admin],
            .participant: [.none: .moderator, .visitor: .moderator, .moderator: .admin],
            .moderator: [.none: .admin, .visitor: .admin, .participant: .admin],
        ]
        return chart[before]?[after]
    }

    /// - Throws: `forbidden` for who may not do such a thing, `not-allowed` for what may not be done to this occupant.
    func check() throws(StanzaError) {
        // §8: "any of the following administrative requests MUST be denied if the <user@host> of the 'from' address of
        // the request does not match the bare JID portion of one of the moderators".
        guard actor.role == .moderator else { throw StanzaError(.forbidden) }
        guard let requirement = Self.requirement(from: target.role, to: after) else { return }
        // §8.2: "A user cannot be kicked by a moderator with a lower affiliation."
        if target.affiliation > actor.affiliation { throw StanzaError(.notAllowed) }
        switch after {
        case .none:
            if requirement == .admin, actor.affiliation < .admin { throw StanzaError(.notAllowed) }
        case .visitor, .participant, .moderator:
            // §9.6, §9.7: admins and owners alone make and unmake moderators.
            if requirement == .admin, actor.affiliation < .admin { throw StanzaError(.forbidden) }
            // §9.7: "an admin MUST NOT be allowed to revoke moderator status from a user whose affiliation is "owner"
            // or "admin""; §8.4: "a service MUST NOT allow the voice privileges of an admin or owner to be removed by
            // anyone".
            if after < target.role, target.affiliation >= .admin { throw StanzaError(.notAllowed) }
            // §8.4: "A moderator MUST NOT be able to revoke voice from a user whose affiliation is at or above the
            // moderator's level." Who has none is at no level: else a moderator without one could do nothing.
            if after == .visitor, target.affiliation > .none, target.affiliation >= actor.affiliation {
                throw StanzaError(.notAllowed)
            }
        }
    }
}
