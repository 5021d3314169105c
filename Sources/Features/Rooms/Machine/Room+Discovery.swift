internal import NIOCore
internal import XMPP

/// What service discovery tells of a room (XEP-0045 §6.4, §6.5, §7.12).
extension Room {
    /// What every room can do.
    static let features = [
        "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#stable_id",
        "http://jabber.org/protocol/muc#self-ping-optimization", "http://jabber.org/protocol/disco#info",
        "http://jabber.org/protocol/disco#items", "http://jabber.org/protocol/commands", "urn:xmpp:hats:0",
        "urn:xmpp:muc:affiliations:1", "urn:xmpp:occupant-id:0", "urn:xmpp:ping", "vcard-temp",
    ]

    private static let reservedNickname = "x-roomuser-item"
    private static let traffic = "http://jabber.org/protocol/muc#traffic"

    func information(_ node: String?, for device: JID, at now: DateTime) throws(StanzaError) -> ByteBuffer {
        var writer = XMLWriter()
        switch node {
        case nil:
            if isLocked, affiliation(of: device) != .owner { throw StanzaError(.itemNotFound) }
            writer.element("query", in: .discoveryInfo) { writeInformation(for: device, at: now, into: &$0) }
        case Self.reservedNickname:
            // §7.12: "If the user does not have a registered nickname, the room MUST return a service discovery <query/>
            // element that is empty".
            writer.element("query", in: .discoveryInfo, ["node": node]) { writer in
                guard let nickname = affiliates[device.bare]?.nickname else { return }
                writer.element("identity", ["category": "conference", "name": nickname.text, "type": "text"])
            }
        // §17.1.1: "If a service does not discard any namespaces, it MUST return a <service-unavailable/> error".
        case Self.traffic: throw StanzaError(.serviceUnavailable)
        case let name?:
            // XEP-0050 §2.3
            guard let command = HatCommand(node: name), hatCommands(for: device).contains(command) else {
                throw StanzaError(.itemNotFound)
            }
            writer.element("query", in: .discoveryInfo, ["node": node]) { writer in
                writer.element("identity", ["category": "automation", "name": command.name, "type": "command-node"])
                writer.element("feature", ["var": "http://jabber.org/protocol/commands"])
                writer.element("feature", ["var": "jabber:x:data"])
            }
        }
        return writer.buffer
    }

    private func writeInformation(for device: JID, at now: DateTime, into writer: inout XMLWriter) {
        let description = configuration.description
        writer.element(
            "identity",
            ["category": "conference", "name": description.name.isEmpty ? nil : description.name, "type": "text"])
        let own = configuration.abilities.flatMap(\.features) + (hasTokens ? [Namespace.invitationTokens.description] : [])
        let archive = limits.hasArchive ? ["urn:xmpp:mam:2", "urn:xmpp:mam:2#extended", "urn:xmpp:sid:0"] + Self.retractionFeatures : []
        for feature in (Self.features + own + archive + ["jabber:iq:register"]).sorted() {
            writer.element("feature", ["var": feature])
        }
        // §13.4: what is talked about is nothing for those who may not come in.
        let isShown = configuration.initialRole(affiliation(of: device)) != nil && affiliation(of: device) != .outcast
        var fields = [
            DataForm.Field("muc#roominfo_description", label: "Description", description.text),
            DataForm.Field("muc#roominfo_lang", label: "Language of discussion", description.language),
            DataForm.Field("muc#roominfo_occupants", label: "Number of occupants", "\(occupantCount)"),
            DataForm.Field(
                "muc#roomconfig_changesubject", label: "Subject can be modified",
                configuration.subjectChanges.isOpen ? "1" : "0"),
            DataForm.Field(
                "muc#roominfo_subjectmod", label: "Occupants may change the subject",
                configuration.subjectChanges.isOpen ? "1" : "0"),
            DataForm.Field("muc#roomconfig_pubsub", label: "Associated publish-subscribe node", description.node),
            DataForm.Field(
                "muc#maxhistoryfetch", label: "Maximum number of history messages returned by the room",
                "\(configuration.history.messages)"),
        ]
        if isShown, let text = subject.text, !configuration.password.isRequired {
            fields.append(DataForm.Field("muc#roominfo_subject", label: "Current subject", text))
        }
        fields += records.card.fields + [configuration.slowMode.field, activityField(at: now)].compactMap { $0 }
        if let hash = records.hats.hash {
            fields.append(DataForm.Field("hats#hash", type: "text-single", label: "Hats hash", hash))
        }
        fields.removeAll { $0.values.allSatisfy(\.isEmpty) }
        DataForm(.result, formType: "http://jabber.org/protocol/muc#roominfo", fields).write(into: &writer)
    }

    /// §6.5: occupants may know who else is there.
    func items(_ node: String?, for device: JID) throws(StanzaError) -> ByteBuffer {
        guard node == nil || node == Namespace.commands.description else { throw StanzaError(.itemNotFound) }
        if isLocked, affiliation(of: device) != .owner { throw StanzaError(.itemNotFound) }
        var writer = XMLWriter()
        writer.element("query", in: .discoveryItems, ["node": node]) { writer in
            if node != nil {
                for command in hatCommands(for: device) {
                    writer.element("item", ["jid": address.description, "name": command.name, "node": command.node])
                }
                return
            }
            guard occupant(with: device) != nil else { return }
            for occupant in allOccupants where configuration.presenceBroadcast.shows(occupant.role) {
                writer.element("item", ["jid": occupant.jid.description, "name": occupant.nickname.text])
            }
        }
        return writer.buffer
    }
}
