internal import XMPP

/// Who enters has to know a password (XEP-0045 §7.2.5).
struct RoomPassword: RoomAbility {
    var isRequired = false
    var secret = ""

    static let fields: [AbilityField<Self>] = [
        .boolean("muc#roomconfig_passwordprotectedroom", "Is a password needed to enter?", \.isRequired),
        .text("muc#roomconfig_roomsecret", type: "text-private", "Password", \.secret),
    ]

    var features: [String] { [isRequired ? "muc_passwordprotected" : "muc_unsecured"] }

    /// §10.1.3: "because the password for a password-protected room is blank".
    func check() throws(StanzaError) {
        if isRequired, secret.isEmpty { throw StanzaError(.notAcceptable, "the password is empty") }
    }

    func admit(_ entrant: Entrant, to room: Room) throws(StanzaError) {
        guard isRequired else { return }
        guard let password = entrant.password, password.utf8.elementsEqual(secret.utf8) else {
            throw StanzaError(.notAuthorized)
        }
    }

    /// §7.8.2: "the room SHOULD add the password if the room is password-protected".
    func decorate(_ invitation: inout XMLWriter) {
        if isRequired { invitation.element("password", text: secret) }
    }
}
