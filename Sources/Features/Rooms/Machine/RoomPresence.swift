internal import NIOCore
internal import XMPP

/// The presence of an occupant as others are told it (XEP-0045 §7.2.2): what the occupant has said, and what the room
/// says of them.
struct RoomPresence {
    let occupant: Occupant
    let affiliation: RoomAffiliation
    var type = StanzaType.available
    /// Content that the occupant has sent; nil takes what the shown device has said.
    var content: ByteBuffer?
    var language: String?
    /// Of the stanza that it answers.
    var id: String?
    /// Nil takes the occupant's.
    var role: RoomRole?
    /// The new nickname of somebody who changes it (§7.6).
    var nickname: String?
    /// Who has brought it about: a nickname.
    var actor: String?
    var reason: String?
    /// Status codes for everybody.
    var codes: [Int] = []
    /// Of the affiliations (XEP-0463).
    var version: VersionStep?
    /// Where a room that is destroyed goes on (§10.9): writes the element.
    var destruction: ByteBuffer?

    init(of occupant: Occupant, _ affiliation: RoomAffiliation) {
        self.occupant = occupant
        self.affiliation = affiliation
        content = occupant.shown?.presence
        language = occupant.shown?.language
    }

    /// The occupant is not there any more, or not under this name.
    init(endOf occupant: Occupant, _ affiliation: RoomAffiliation, role: RoomRole = .none, codes: [Int] = []) {
        self.occupant = occupant
        self.affiliation = affiliation
        self.role = role
        self.codes = codes
        type = .unavailable
    }

    /// - Parameters:
    ///   - device: whose address is revealed; nil reveals none.
    ///   - more: status codes besides those for everybody.
    func stanza(to receiver: JID?, revealing device: JID?, _ more: [Int] = []) -> Stanza {
        var stanza = Stanza(.presence, type: type, from: occupant.jid, to: receiver, id: id) { writer in
            if let content { writer.raw(content) }
            writer.raw(occupant.mark)
            if type == .available { writer.raw(occupant.hats) }
            writer.element("x", in: .roomUser) { writer in
                version?.write(into: &writer)
                writer.element(
                    "item",
                    [
                        "affiliation": affiliation.rawValue, "role": (role ?? occupant.role).rawValue,
                        "jid": device?.description, "nick": nickname,
                    ]
                ) { writer in
                    if let actor { writer.element("actor", ["nick": actor]) }
                    writer.element("reason", text: reason)
                }
                if let destruction { writer.raw(destruction) }
                Self.write(codes + more, into: &writer)
            }
        }
        stanza.language = language
        return stanza
    }

    static func write(_ codes: [Int], into writer: inout XMLWriter) {
        for code in Set(codes).sorted() { writer.element("status", ["code": String(code)]) }
    }

    /// What of a received presence is passed on: all but what only a room says (§16.3), and what is for the room.
    static func content(of stanza: Stanza) -> ByteBuffer {
        var buffer = ByteBuffer()
        guard let element = stanza.element else { return buffer }
        for child in element.children {
            if child.isIn(.rooms) || child.isIn(.roomUser) || child.isIn(.occupantIdentifiers)
                || child.isIn(.hats)
            { continue }
            child.write(into: &buffer, inheriting: Namespace.client.description)
        }
        return buffer
    }
}
