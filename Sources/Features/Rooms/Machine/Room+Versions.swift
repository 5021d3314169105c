internal import NIOCore
internal import TLS
internal import XMPP

/// The affiliations of the room have versions (XEP-0463).
extension Room {
    /// What a version is called: nobody knows another one from it.
    func versionName(_ number: Int) -> String {
        Hash.sha256.hmac(key: secret, Array("affiliations \(number)".utf8)).prefix(12).hexadecimal
    }

    /// §5.1: what who enters says of the version that it knows.
    static func versionRequest(_ stanza: Stanza) -> Element? {
        stanza.element?.child("x", in: .rooms)?.child("mav", in: .affiliationVersions)
    }

    var currentVersion: VersionStep { VersionStep(since: nil, until: versionName(records.versions.number)) }

    /// Somebody's affiliation is another one now.
    /// - Returns: what those who are told of it are told with it.
    mutating func noteVersion(
        _ person: JID, from before: RoomAffiliation, to after: RoomAffiliation, _ outcome: inout RoomOutcome
    ) -> VersionStep? {
        guard before != after else { return nil }
        let number = records.versions.add(person, from: before, to: after)
        outcome.changes.areRecordsChanged = true
        return VersionStep(since: versionName(number - 1), until: versionName(number))
    }

    /// §5.2.1: "The reponse MUST be sent during the join process before any <presence/> is sent to the joining user."
    func tellAffiliations(to occupant: Occupant, _ device: JID, _ request: Element, _ outcome: inout RoomOutcome) {
        let actor = actor(device)
        guard mayReadAffiliations(actor.role, actor.affiliation) else { return refuseAffiliations(to: device, &outcome) }
        let versions = records.versions
        let known = request["since"].flatMap { name in versions.known.last { versionName($0) == name } }
        guard known != versions.number else { return }
        guard let known, let changes = versions.changes(since: known) else {
            let all = affiliates.map { (person: $0.key, affiliation: $0.value.affiliation) }.sorted {
                ($1.affiliation, $0.person.description) < ($0.affiliation, $1.person.description)
            }
            return tellAffiliations(all, since: nil, to: device, actor.affiliation, &outcome)
        }
        // §6: "If an observer requests a version of which they weren't a part of, a server MUST return an error".
        if let own = changes.first(where: { $0.person == occupant.person }), !mayReadAffiliations(.none, own.before) {
            return refuseAffiliations(to: device, &outcome)
        }
        // What somebody has become last, in the order in which that happened.
        let last = Dictionary(changes.map { ($0.person, $0.number) }, uniquingKeysWith: { $1 })
        let latest = changes.filter { last[$0.person] == $0.number }.map { (person: $0.person, affiliation: $0.after) }
        tellAffiliations(latest, since: request["since"], to: device, actor.affiliation, &outcome)
    }

    private func tellAffiliations(
        _ found: [(person: JID, affiliation: RoomAffiliation)], since: String?, to device: JID,
        _ own: RoomAffiliation, _ outcome: inout RoomOutcome
    ) {
        var found = found
        if !own.has(.bans) {
            // Who may not know who is banned knows that they are not what they were.
            if since == nil { found.removeAll { $0.affiliation == .outcast } }
            found = found.map { ($0.person, $0.affiliation == .outcast ? .none : $0.affiliation) }
        }
        let step = VersionStep(since: since, until: versionName(records.versions.number))
        outcome.send(
            Stanza(.message, type: .normal, from: address, to: device) { writer in
                writer.element("x", in: .roomUser) { writer in
                    step.write(into: &writer)
                    for (person, affiliation) in found {
                        writer.element("item", ["affiliation": affiliation.rawValue, "jid": person.description])
                    }
                }
            })
    }

    /// §5.2.3
    private func refuseAffiliations(to device: JID, _ outcome: inout RoomOutcome) {
        outcome.send(
            Stanza(.message, type: .error, from: address, to: device) {
                StanzaError(.forbidden).write(into: &$0, by: address.description)
            })
    }

    /// §5.2.3: "the same rules should be applied by the server": who may read the lists of members, admins and owners.
    private func mayReadAffiliations(_ role: RoomRole, _ affiliation: RoomAffiliation) -> Bool {
        let mayReadOthers =
            affiliation.has(.editsAdminList)
            || (configuration.anonymity.isNonAnonymous && affiliation.has(.retrievesMemberList))
        return affiliation.has(.bans)
            || (mayReadOthers && configuration.memberListAccess.mayRead(role, affiliation, in: configuration))
    }
}
