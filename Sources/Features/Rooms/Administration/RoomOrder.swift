internal import NIOCore
package import XMPP

/// What the administrator wants of a room: a request that the room gets from its own service.
package enum RoomOrder: Sendable {
    /// The room must not be there yet. Fields have the names of XEP-0045 §15.5.3.
    case create(owners: [JID], settings: [String: [String]])
    case configure([String: [String]])
    /// The affiliation in the words of XEP-0045 §5.2.
    case affiliate(JID, String, nickname: String?, reason: String?)
    case destroy(reason: String?, venue: JID?)

    /// - Parameter id: of the order; nobody can guess it.
    func request(_ id: String, for room: JID) throws(StanzaError) -> Stanza {
        var writer = XMLWriter()
        switch self {
        case .create(let owners, let settings):
            var fields = settings.map { DataForm.Field($0.key, values: $0.value) }
            fields.append(DataForm.Field("muc#roomconfig_roomowners", values: owners.map(\.description)))
            writer.element("query", in: .roomOwner) { writer in
                writer.element("create")
                DataForm(.submit, formType: RoomConfiguration.formType, fields).write(into: &writer)
            }
        case .configure(let settings):
            writer.element("query", in: .roomOwner) { writer in
                DataForm(
                    .submit, formType: RoomConfiguration.formType,
                    settings.map { DataForm.Field($0.key, values: $0.value) }
                ).write(into: &writer)
            }
        case .affiliate(let person, let affiliation, let nickname, let reason):
            writer.element("query", in: .roomAdmin) { writer in
                writer.element(
                    "item", ["jid": person.description, "affiliation": affiliation, "nick": nickname]
                ) { $0.element("reason", text: reason) }
            }
        case .destroy(let reason, let venue):
            writer.element("query", in: .roomOwner) { writer in
                writer.element("destroy", ["jid": venue?.description]) { $0.element("reason", text: reason) }
            }
        }
        var request = Stanza(.iq, type: .set, from: nil, to: nil, id: id)
        request.content = writer.buffer
        return try Self.request(request.serialized, id, for: room)
    }

    /// A request as it was written.
    static func request(_ bytes: ByteBuffer, _ id: String, for room: JID) throws(StanzaError) -> Stanza {
        var limits = XMLLimits()
        limits.bytes = max(limits.bytes, bytes.readableBytes)
        guard let element = try? StanzaParser().parse(bytes, limits: limits),
            let service = try? room.domainJID.with(resource: id)
        else { throw StanzaError(.badRequest) }
        return Stanza(kind: .iq, type: .set, from: service, to: room, element: element)
    }
}

extension Room {
    /// Whether somebody is the service that the room belongs to, which may do whatever an owner may.
    func isService(_ person: JID) -> Bool { person.local == nil && person.hasSameDomain(as: address) }
}
