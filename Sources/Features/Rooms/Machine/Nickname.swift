internal import XMPP

/// The name of an occupant in a room (XEP-0045 §16.1).
struct Nickname: Sendable {
    /// As it is shown.
    let text: String
    /// As it is compared (RFC 8266 §2.4): who only looks like another occupant is the same.
    let key: String

    /// - Parameter text: a resourcepart, or what is to become one.
    /// - Throws: `jid-malformed` for what nobody could see or tell from others.
    init(_ text: String) throws(StanzaError) {
        do throws(PrecisError) {
            key = try Precis.nicknameForComparison(text)
        } catch {
            throw StanzaError(.jidMalformed, "the nickname cannot be used")
        }
        self.text = text
    }
}

extension Nickname: Equatable {
    /// Written in the same way. Two that are only compared as one have the same `key`.
    static func == (left: Nickname, right: Nickname) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }
}
