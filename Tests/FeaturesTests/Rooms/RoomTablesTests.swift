import Testing
import XMPP

@testable import Features

/// The tables of XEP-0045 §5, row by row.
struct RoomTablesTests {
    // MARK: §5.1

    /// Privilege: none, visitor, participant, moderator.
    @Test(
        "privileges of roles",
        arguments: [
            (RolePrivilege.isPresent, [false, true, true, true]),
            (.receivesMessages, [false, true, true, true]),
            (.receivesPresence, [false, true, true, true]),
            (.broadcastsPresence, [false, true, true, true]),
            (.changesAvailability, [false, true, true, true]),
            (.changesNickname, [false, true, true, true]),
            (.sendsPrivateMessages, [false, true, true, true]),
            (.invites, [false, true, true, true]),
            (.sendsToAll, [false, false, true, true]),
            (.changesSubject, [false, false, false, true]),
            (.kicks, [false, false, false, true]),
            (.grantsVoice, [false, false, false, true]),
            (.revokesVoice, [false, false, false, true]),
        ])
    func rolePrivileges(privilege: RolePrivilege, row: [Bool]) {
        #expect(RoomRole.allCases.map { $0.has(privilege) } == row)
    }

    @Test func everyRolePrivilegeIsInTheTable() { #expect(RolePrivilege.allCases.count == 13) }

    /// Moderated, members-only; then by affiliation: none, member, admin, owner.
    @Test(
        "roles on entering",
        arguments: [
            (true, false, [RoomRole.visitor, .participant, .moderator, .moderator]),
            (false, false, [.participant, .participant, .moderator, .moderator]),
            (false, true, [nil, .participant, .moderator, .moderator]),
            (true, true, [nil, .participant, .moderator, .moderator]),
        ] as [(Bool, Bool, [RoomRole?])])
    func initialRoles(isModerated: Bool, isMembersOnly: Bool, row: [RoomRole?]) {
        let affiliations: [RoomAffiliation] = [.none, .member, .admin, .owner]
        #expect(affiliations.map { RoomRole.initial($0, isModerated: isModerated, isMembersOnly: isMembersOnly) } == row)
        #expect(RoomRole.initial(.outcast, isModerated: isModerated, isMembersOnly: isMembersOnly) == nil)
    }

    /// From a role to none, visitor, participant, moderator.
    @Test(
        "the chart of roles",
        arguments: [
            (RoomRole.none, [nil, nil, nil, nil]),
            (.visitor, [.moderator, nil, .moderator, .admin]),
            (.participant, [.moderator, .moderator, nil, .admin]),
            (.moderator, [.admin, .admin, .admin, nil]),
        ] as [(RoomRole, [RoleChange.Requirement?])])
    func roleChart(before: RoomRole, row: [RoleChange.Requirement?]) {
        #expect(RoomRole.allCases.map { RoleChange.requirement(from: before, to: $0) } == row)
    }

    private static let people: [RoleChange.Person] = RoomAffiliation.allCases.filter { $0 != .outcast }.flatMap { affiliation in
        RoomRole.allCases.map { RoleChange.Person(affiliation: affiliation, role: $0) }
    }

    private func verdict(_ actor: RoleChange.Person, _ target: RoleChange.Person, _ after: RoomRole) -> String {
        do throws(StanzaError) {
            try RoleChange(actor: actor, target: target, after: after).check()
            return ""
        } catch {
            return error.condition.description
        }
    }

    @Test("every change of a role by everybody", arguments: RoomRole.allCases)
    func roleChanges(after: RoomRole) {
        for actor in Self.people {
            for target in Self.people where target.role != .none {
                let verdict = verdict(actor, target, after)
                let what = Comment(rawValue: "\(actor) makes \(target) \(after)")
                guard actor.role == .moderator else {
                    #expect(verdict == "forbidden", what)
                    continue
                }
                if after == target.role {
                    #expect(verdict == "", what)
                    continue
                }
                let concernsModerators = after == .moderator || target.role == .moderator
                let isLowered = after < target.role
                let isHigher = target.affiliation > actor.affiliation
                let mayBe =
                    !isHigher && (!concernsModerators || actor.affiliation >= .admin)
                    // The voice and the place of admins and owners; who is kicked may come again.
                    && !(isLowered && after != .none && target.affiliation >= .admin)
                    && !(after == .visitor && target.affiliation >= .member && target.affiliation >= actor.affiliation)
                #expect((verdict == "") == mayBe, what)
                if isHigher { #expect(verdict == "not-allowed", what) }
                if !isHigher, concernsModerators, after != .none, actor.affiliation < .admin {
                    #expect(verdict == "forbidden", what)
                }
            }
        }
    }

    // MARK: §5.2

    /// Privilege: outcast, none, member, admin, owner.
    @Test(
        "privileges of affiliations",
        arguments: [
            (AffiliationPrivilege.entersOpenRoom, [false, true, true, true, true]),
            // Those above a member need not register.
            (.registersWithOpenRoom, [false, true, true, true, true]),
            (.retrievesMemberList, [false, false, true, true, true]),
            (.entersMembersOnlyRoom, [false, false, true, true, true]),
            (.bans, [false, false, false, true, true]),
            (.editsMemberList, [false, false, false, true, true]),
            (.assignsModerators, [false, false, false, true, true]),
            (.editsAdminList, [false, false, false, false, true]),
            (.editsOwnerList, [false, false, false, false, true]),
            (.configures, [false, false, false, false, true]),
            (.destroys, [false, false, false, false, true]),
        ])
    func affiliationPrivileges(privilege: AffiliationPrivilege, row: [Bool]) {
        #expect(RoomAffiliation.allCases.map { $0.has(privilege) } == row)
    }

    @Test func everyAffiliationPrivilegeIsInTheTable() { #expect(AffiliationPrivilege.allCases.count == 11) }

    /// From an affiliation to outcast, none, member, admin, owner.
    @Test(
        "the chart of affiliations",
        arguments: [
            (RoomAffiliation.outcast, [nil, .admin, .admin, .owner, .owner]),
            (.none, [.admin, nil, .admin, .owner, .owner]),
            (.member, [.admin, .admin, nil, .owner, .owner]),
            (.admin, [.owner, .owner, .owner, nil, .owner]),
            (.owner, [.owner, .owner, .owner, .owner, nil]),
        ] as [(RoomAffiliation, [RoomAffiliation?])])
    func affiliationChart(before: RoomAffiliation, row: [RoomAffiliation?]) {
        #expect(RoomAffiliation.allCases.map { AffiliationChange.requirement(from: before, to: $0) } == row)
    }

    private func verdict(
        _ actor: RoomAffiliation, _ before: RoomAffiliation, _ after: RoomAffiliation, isOwn: Bool = false,
        endsOwnership: Bool = false
    ) -> String {
        do throws(StanzaError) {
            try AffiliationChange(
                actor: actor, before: before, after: after, isOwn: isOwn, endsOwnership: endsOwnership
            ).check()
            return ""
        } catch {
            return error.condition.description
        }
    }

    @Test("every change of an affiliation by everybody", arguments: RoomAffiliation.allCases)
    func affiliationChanges(actor: RoomAffiliation) {
        for before in RoomAffiliation.allCases {
            for after in RoomAffiliation.allCases {
                let expected: String
                switch actor {
                case .outcast, .none, .member: expected = "forbidden"
                case .owner: expected = ""
                case .admin where before == after: expected = ""
                case .admin where before <= .member && after <= .member: expected = ""
                // §9.1; §10.5, §10.8
                case .admin: expected = after == .outcast ? "not-allowed" : "forbidden"
                }
                #expect(verdict(actor, before, after) == expected, "\(actor) makes \(before) \(after)")
            }
        }
    }

    @Test func nobodyBansOneself() {
        #expect(verdict(.admin, .admin, .outcast, isOwn: true) == "conflict")
        #expect(verdict(.owner, .owner, .outcast, isOwn: true) == "conflict")
    }

    @Test("the last owner stays", arguments: RoomAffiliation.allCases)
    func lastOwner(after: RoomAffiliation) {
        #expect(
            verdict(.owner, .owner, after, isOwn: true, endsOwnership: true) == (after == .owner ? "" : "conflict"))
        if after != .outcast { #expect(verdict(.owner, .owner, after, isOwn: true) == "") }
    }

    // MARK: §5.1.3, note

    @Test("roles follow affiliations", arguments: RoomAffiliation.allCases, RoomAffiliation.allCases)
    func rolesFollow(before: RoomAffiliation, after: RoomAffiliation) {
        for role in RoomRole.allCases where role != .none {
            for (isModerated, isMembersOnly) in [(false, false), (true, false), (false, true), (true, true)] {
                let changed = role.changed(
                    from: before, to: after, isModerated: isModerated, isMembersOnly: isMembersOnly)
                let initial = RoomRole.initial(after, isModerated: isModerated, isMembersOnly: isMembersOnly)
                #expect((changed == nil) == (initial == nil))
                guard let changed, let initial else { continue }
                if after > before { #expect(changed == max(role, initial)) }
                if before >= .admin, after < .admin { #expect(changed == initial) }
                if after <= before, before < .admin { #expect(changed == role) }
            }
        }
    }
}
