internal import XMPP

/// Visitors ask for voice, and moderators answer (XEP-0045 §7.13, §8.6).
enum VoiceRequests {
    static let formType = "http://jabber.org/protocol/muc#request"

    static func form(_ occupant: Occupant, device: JID) -> DataForm {
        DataForm(
            .form, formType: formType,
            [
                DataForm.Field("muc#role", type: "list-single", label: "Requested role", RoomRole.participant.rawValue),
                DataForm.Field("muc#jid", type: "jid-single", label: "User ID", device.description),
                DataForm.Field("muc#roomnick", type: "text-single", label: "Room nickname", occupant.nickname.text),
                DataForm.Field("muc#request_allow", type: "boolean", label: "Grant voice to this person?", "0"),
            ])
    }
}

extension Room {
    /// A request of a visitor, or the answer of a moderator.
    mutating func voiceFormReceived(
        _ stanza: Stanza, _ form: DataForm, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        let occupant = try speaker(stanza)
        guard form.kind == .submit, let device = stanza.from else { return }
        if let allowed = form["muc#request_allow"]?.first {
            guard occupant.role == .moderator else { throw StanzaError(.forbidden) }
            guard allowed == "1" || allowed == "true" else { return }
            return grantVoice(form, by: occupant, &outcome)
        }
        guard form["muc#role"]?.first == RoomRole.participant.rawValue else {
            throw StanzaError(.badRequest, "only the role of a participant can be asked for")
        }
        guard occupant.role == .visitor else { return }
        for moderator in allOccupants where moderator.role == .moderator {
            for other in moderator.devices {
                outcome.send(
                    Stanza(.message, type: .normal, from: address, to: other.jid) {
                        VoiceRequests.form(occupant, device: device).write(into: &$0)
                    })
            }
        }
    }

    private mutating func grantVoice(_ form: DataForm, by moderator: Occupant, _ outcome: inout RoomOutcome) {
        guard let text = form["muc#roomnick"]?.first, let nickname = try? Nickname(text),
            let visitor = occupant(nickname), visitor.role == .visitor
        else { return }
        set(.participant, of: visitor)
        guard let participant = occupant(nickname) else { return }
        tellChange(of: participant, before: .visitor, actor: moderator.nickname.text, reason: nil, nil, &outcome)
    }
}
