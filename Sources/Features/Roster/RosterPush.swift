internal import NIOCore
internal import Server
internal import XMPP

/// Tells an account's interested resources what has become of a contact (RFC 6121 §2.1.6).
///
/// A push always carries the item as it is at the moment of sending, so that pushes made on different event loops
/// cannot overtake each other with older news.
enum RosterPush {
    static func send(_ contact: JID, of account: Account, on loop: LoopContext) {
        let (item, version, receivers) = account.withState { state in
            (state.roster[contact], state.roster.version, state.sessions.filter(\.isInterested).map(\.handle))
        }
        for receiver in receivers {
            loop.send(push(contact, item, version: version, to: receiver.jid).serialized, to: receiver)
        }
    }

    /// A push for one resource.
    static func push(_ contact: JID, _ item: RosterItem?, version: Int, to receiver: JID) -> Stanza {
        Stanza(.iq, type: .set, from: nil, to: receiver, id: "push-\(version)") { writer in
            writer.element("query", in: .roster, ["ver": "\(version)"]) { writer in
                if let item, item.isShown {
                    item.write(into: &writer)
                } else {
                    writer.element("item", ["jid": contact.description, "subscription": "remove"])
                }
            }
        }
    }
}
