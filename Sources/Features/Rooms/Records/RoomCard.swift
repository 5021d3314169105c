internal import NIOCore
internal import Storage
internal import TLS
internal import XMPP

/// The vCard of a room, and with it its avatar (XEP-0486).
struct RoomCard: RoomRecord {
    /// The element, as it was sent; empty if there is none.
    private(set) var content = ""
    /// Of all pictures in it (XEP-0153 §4.1).
    private(set) var hashes: [String] = []

    init() {}

    /// - Parameter element: `<vCard/>`; one without content is none.
    init(_ element: Element) throws(StanzaError) {
        guard !element.isEmpty else { return }
        content = element.serialized
        hashes = try Self.hashes(of: element)
    }

    private static func hashes(of card: Element) throws(StanzaError) -> [String] {
        var hashes: [String] = []
        for photo in card.children.filter({ $0.isNamed("PHOTO", in: .vCard) }) {
            guard let text = photo.child("BINVAL")?.text else { continue }
            let digits = text.utf8.filter { $0 > 0x20 }
            guard !digits.isEmpty else { continue }
            guard let picture = Base64.decode(digits) else {
                throw StanzaError(.badRequest, "the picture is not in Base64")
            }
            hashes.append(Hash.sha1.digest(picture).hexadecimal)
        }
        return hashes
    }

    var element: ByteBuffer { ByteBuffer(string: content.isEmpty ? "<vCard xmlns='vcard-temp'/>" : content) }

    /// §3.3: "This 'muc#roominfo_avatarhash' will not be present when the room doesn’t have an avatar set." The other field
    /// is what clients of before look for.
    var fields: [DataForm.Field] {
        guard let first = hashes.first else { return [] }
        return [
            DataForm.Field("muc#roominfo_avatarhash", type: "text-multi", label: "Avatar hash", values: hashes),
            DataForm.Field("{http://modules.prosody.im/mod_vcard_muc}avatar#sha1", type: "text-single", first),
        ]
    }

    // MARK: Storage

    static let migrations = [
        Migration(
            name: "room-cards-1",
            sql: ["CREATE TABLE room_cards (room TEXT NOT NULL PRIMARY KEY, content TEXT NOT NULL, hashes TEXT NOT NULL)"])
    ]

    static func load(_ room: JID, _ transaction: Transaction) throws -> RoomCard {
        var card = RoomCard()
        let found = try transaction.first(
            "SELECT content, hashes FROM room_cards WHERE room = $1", [.text(room.description)]
        ) { (content: try $0.text(0), hashes: try $0.text(1)) }
        guard let found else { return card }
        card.content = found.content
        card.hashes = found.hashes.split(separator: " ").map(String.init)
        return card
    }

    func save(_ room: JID, before: RoomCard, _ transaction: Transaction) throws {
        guard self != before else { return }
        guard !content.isEmpty else { return try Self.delete(room, transaction) }
        try transaction.execute(
            """
            INSERT INTO room_cards (room, content, hashes) VALUES ($1, $2, $3)
            ON CONFLICT (room) DO UPDATE SET content = excluded.content, hashes = excluded.hashes
            """, [.text(room.description), .text(content), .text(hashes.joined(separator: " "))])
    }

    static func delete(_ room: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM room_cards WHERE room = $1", [.text(room.description)])
    }
}

extension Room {
    /// §3.4: whoever may know of the room may see its picture.
    func card(for device: JID) throws(StanzaError) -> ByteBuffer {
        try checkExistence(for: device)
        return records.card.element
    }

    /// §3.2
    mutating func setCard(
        _ element: Element, by device: JID, answer: Stanza, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        try checkExistence(for: device)
        guard affiliation(of: device).has(.configures) else {
            throw StanzaError(.forbidden, "only owners set the picture of a room")
        }
        guard element.size <= limits.card else {
            throw StanzaError(.policyViolation, "a vCard may have \(limits.card) bytes")
        }
        let card = try RoomCard(element)
        outcome.send(answer)
        guard card != records.card else { return }
        records.card = card
        outcome.changes.areRecordsChanged = true
        notify([104], &outcome)
    }

    /// A room that waits for its first configuration is there for its owner only (XEP-0045 §10.1.1).
    func checkExistence(for device: JID) throws(StanzaError) {
        if isLocked, affiliation(of: device) != .owner { throw StanzaError(.itemNotFound) }
    }
}
