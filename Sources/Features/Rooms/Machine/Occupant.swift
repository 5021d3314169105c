internal import NIOCore
internal import XMPP

/// Somebody in a room, under one nickname and with one device or several.
struct Occupant: Sendable {
    /// A device of an occupant.
    struct Device: Sendable {
        let jid: JID
        /// What it has said of its availability, as it is passed on.
        var presence: ByteBuffer
        var language: String?
        /// Whether it wants to know the versions of affiliations (XEP-0463).
        var followsVersions = false
    }

    /// The address in the room.
    let jid: JID
    let nickname: Nickname
    /// The bare JID of who it is.
    let person: JID
    /// What tells the person from others, however they are called (XEP-0421): an element.
    let mark: ByteBuffer
    /// What the person wears (XEP-0317): an element, or nothing.
    var hats: ByteBuffer
    var role: RoomRole
    /// The one whose presence was heard last is the last, and shown to others.
    var devices: [Device]
    /// Occupants are told of in the order in which they have entered.
    let order: Int

    var shown: Device? { devices.last }

    func renamed(_ nickname: Nickname, _ jid: JID) -> Occupant {
        Occupant(jid: jid, nickname: nickname, person: person, mark: mark, hats: hats, role: role, devices: devices,
            order: order)
    }
}
