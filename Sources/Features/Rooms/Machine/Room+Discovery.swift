internal import NIOCore
internal import XMPP

/// What service discovery tells of a room (XEP-0045 §6.4, §6.5, §7.12).
extension Room {
    /// What every room can do.
    static let features = [
        "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#stable_id",
        "http://jabber.org/protocol/muc#self-ping-optimization", "http://jabber.org/protocol/disco#info",
        "http://jabber.org/protocol/disco#items", "urn:xmpp:occupant-id:0", "urn:xmpp:ping",
    ]

    private static let reservedNickname = "x-roomuser-item"
    private static let traffic = "http://jabber.org/protocol/muc#traffic"

    func information(_ node: String?, for device: JID) throws(StanzaError) -> ByteBuffer {
        var writer = XMLWriter()
        switch node {
        case nil:
            if isLocked, affiliation(of: device) != .owner { throw StanzaError(.itemNotFound) }
            writer.element("query", in: .discoveryInfo) { writeInformation(for: device, into: &$0) }
        case Self.reservedNickname:
            // §7.12: "If the user does not have a registered nickname, the room MUST return a service discovery <query/>
            // element that is empty".
            writer.element("query", in: .discoveryInfo, ["node": node]) { writer in
                guard let nickname = affiliates[device.bare]?.nickname else { return }
                writer.element("identity", ["category": "conference", "name": nickname.text, "type": "text"])
            }
        // §17.1.1: "If a service does not discard any namespaces, it MUST return a <service-unavailable/> error".
        case Self.traffic: throw StanzaError(.serviceUnavailable)
        default: throw StanzaError(.itemNotFound)
        }
        return writer.buffer
    }

    private func writeInformation(for device: JID, into writer: inout XMLWriter) {
        let description = configuration.description
        writer.element(
            "identity",
            ["category": "conference", "name": description.name.isEmpty ? nil : description.name, "type": "text"])
        let own = configuration.abilities.flatMap(\.features)
        for feature in (Self.features + own + ["jabber:iq:register"]).sorted() {
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
        fields.removeAll { $0.values.allSatisfy(\.isEmpty) }
        DataForm(.result, formType: "http://jabber.org/protocol/muc#roominfo", fields).write(into: &writer)
    }

    /// §6.5: occupants may know who else is there.
    func items(_ node: String?, for device: JID) throws(StanzaError) -> ByteBuffer {
        guard node == nil else { throw StanzaError(.itemNotFound) }
        if isLocked, affiliation(of: device) != .owner { throw StanzaError(.itemNotFound) }
        var writer = XMLWriter()
        writer.element("query", in: .discoveryItems) { writer in
            guard occupant(with: device) != nil else { return }
            for occupant in allOccupants where configuration.presenceBroadcast.shows(occupant.role) {
                writer.element("item", ["jid": occupant.jid.description, "name": occupant.nickname.text])
            }
        }
        return writer.buffer
    }
}
