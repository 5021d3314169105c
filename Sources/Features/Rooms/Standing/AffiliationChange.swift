internal import XMPP

/// Somebody's affiliation is to become another one: whether that may be (XEP-0045 §5.2.3, §9, §10).
struct AffiliationChange: Sendable {
    /// The affiliation of who wants it.
    let actor: RoomAffiliation
    let before: RoomAffiliation
    let after: RoomAffiliation
    /// Whether somebody wants to change their own affiliation.
    let isOwn: Bool
    /// Whether the room would be left without an owner.
    let endsOwnership: Bool

    /// The chart of §5.2.3: who makes an affiliation another one; nil where nothing changes.
    static func requirement(from before: RoomAffiliation, to after: RoomAffiliation) -> RoomAffiliation? {
        let chart: [RoomAffiliation: [RoomAffiliation: RoomAffiliation]] = [
            .outcast: [.none: .admin, .member: .admin, .admin: .owner, .owner: .owner],
            .none: [.outcast: .admin, .member: .admin, .admin: .owner, .owner: .owner],
            .member: [.outcast: .admin, .none: .admin, .admin: .owner, .owner: .owner],
            .admin: [.outcast: .owner, .none: .owner, .member: .owner, .owner: .owner],
            .owner: [.outcast: .owner, .none: .owner, .member: .owner, .admin: .owner],
        ]
        return chart[before]?[after]
    }

    /// - Throws: `forbidden` for who may not edit the list, `not-allowed` for a ban of somebody higher, `conflict` for
    ///   one's own ban and for the end of the last owner.
    func check() throws(StanzaError) {
        // §9: "any of the following administrative requests MUST be denied if the <user@host> of the 'from' address of
        // the request does not match the bare JID of one of the room admins".
        guard actor >= .admin else { throw StanzaError(.forbidden) }
        guard let requirement = Self.requirement(from: before, to: after) else { return }
        // §9.1: "If an admin or owner attempts to ban himself, the service MUST deny the request".
        if isOwn, after == .outcast { throw StanzaError(.conflict) }
        if actor < requirement {
            // §9.1: "a user cannot be banned by an admin with a lower affiliation".
            throw StanzaError(after == .outcast ? .notAllowed : .forbidden)
        }
        // §10.4: "A service MUST NOT allow an owner to revoke his or her own owner status if there are no other owners".
        if endsOwnership, before == .owner { throw StanzaError(.conflict) }
    }
}
