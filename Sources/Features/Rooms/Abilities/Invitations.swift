internal import NIOCore
internal import XMPP

/// Occupants invite others through the room (XEP-0045 §7.8.2).
struct Invitations: RoomAbility {
    /// Whether members of a members-only room may invite.
    var areOpen = false

    static let fields: [AbilityField<Self>] = [
        .boolean("muc#roomconfig_allowinvites", "May members invite others?", \.areOpen)
    ]

    /// How many people one message invites.
    static let most = 20
}

/// Who was invited by whom: only they may decline, through the room and to those only.
struct PendingInvitations: Sendable {
    struct Invitation: Sendable {
        /// A bare JID.
        let invitee: JID
        /// The device that has invited.
        let inviter: JID
        /// As the invitee was told it.
        let name: String
    }

    private static let limit = 1_000
    private var invitations: [Invitation] = []

    /// In the order in which they were made.
    var all: [Invitation] { invitations }

    mutating func add(_ invitee: JID, by inviter: JID, named name: String) {
        invitations.removeAll { $0.invitee == invitee.bare && $0.inviter == inviter }
        invitations.append(Invitation(invitee: invitee.bare, inviter: inviter, name: name))
        if invitations.count > Self.limit { invitations.removeFirst() }
    }

    /// Takes the device that has invited somebody, if it is the one that is named.
    mutating func take(_ invitee: JID, to name: String) -> JID? {
        let bare = (try? JID(name))?.bare
        guard
            let index = invitations.lastIndex(where: {
                $0.invitee == invitee.bare && ($0.name == name || $0.inviter.bare == bare)
            })
        else { return nil }
        return invitations.remove(at: index).inviter
    }
}

extension Room {
    /// - Parameter user: the element that has `<invite/>` children.
    mutating func invite(_ stanza: Stanza, _ user: Element, _ outcome: inout RoomOutcome) throws(StanzaError) {
        let inviter = try speaker(stanza)
        guard let device = stanza.from, inviter.role.has(.invites) else { throw StanzaError(.forbidden) }
        let isMembersOnly = configuration.membersOnly.isMembersOnly
        let affiliation = affiliation(of: inviter.person)
        // §9.5: "if invitation privileges are restricted to admins and a mere member attempts to a send an invitation".
        guard !isMembersOnly || affiliation >= .admin || configuration.invitations.areOpen else {
            throw StanzaError(.forbidden)
        }
        let name = configuration.anonymity.isNonAnonymous ? device.bare.description : inviter.jid.description
        for invitation in user.children.filter({ $0.isNamed("invite", in: .roomUser) }).prefix(Invitations.most) {
            guard let invitee = invitation["to"].flatMap({ try? JID($0) }) else {
                throw StanzaError(.jidMalformed, "it is not said who is invited")
            }
            // Who is banned is not invited by somebody who could not let them in.
            guard self.affiliation(of: invitee) != .outcast else { throw StanzaError(.notAllowed) }
            if isMembersOnly, self.affiliation(of: invitee) < .member {
                let version = try add(invitee.bare, Affiliate(affiliation: .member), &outcome)
                tellOfAbsent(invitee.bare, .member, reason: nil, isPersonTold: false, version, &outcome)
            }
            invitations.add(invitee, by: device, named: name)
            outcome.send(self.invitation(to: invitee, from: name, like: invitation, id: stanza.identifier))
        }
    }

    /// - Parameter model: the inviter's `<invite/>`; nil for the room's own.
    func invitation(to invitee: JID, from inviter: String, like model: Element?, id: String? = nil) -> Stanza {
        Stanza(.message, type: .normal, from: address, to: invitee, id: id) { writer in
            writer.element("x", in: .roomUser) { writer in
                writer.element("invite", ["from": inviter]) { writer in
                    for child in model?.children.filter({ $0.isNamed("reason", in: .roomUser) || $0.isNamed("continue", in: .roomUser) }) ?? [] {
                        writer.copy(child, inside: .roomUser)
                    }
                }
                configuration.password.decorate(&writer)
            }
        }
    }

    /// The inviter is told that somebody does not come.
    mutating func declined(_ stanza: Stanza, _ decline: Element, _ outcome: inout RoomOutcome) {
        guard let invitee = stanza.from, let name = decline["to"], let inviter = invitations.take(invitee, to: name) else {
            return
        }
        outcome.send(
            Stanza(.message, type: .normal, from: address, to: inviter, id: stanza.identifier) { writer in
                writer.element("x", in: .roomUser) { writer in
                    writer.element("decline", ["from": invitee.bare.description]) { writer in
                        writer.element("reason", text: decline.child("reason")?.text)
                    }
                }
            })
    }
}
