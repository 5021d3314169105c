internal import Server
internal import XMPP

/// Tells an account's interested resources what has become of a contact (RFC 6121 §2.1.6).
///
/// Sent from the roster loop only, where the change was made: so pushes arrive in the order of their versions.
enum RosterPush {
    static func send(_ contact: JID, of account: Account, on loop: LoopContext) {
        let (change, receivers) = account.withState { state in
            (state.roster.change(of: contact), state.sessions.filter(\.isInterested).map(\.handle))
        }
        for body in loop.kernel.registry.rosterChanged { body(account, contact, loop) }
        for receiver in receivers { loop.send(push(change, to: receiver.jid).serialized, to: receiver) }
    }

    /// A push for one resource.
    static func push(_ change: Roster.Change, to receiver: JID) -> Stanza {
        Stanza(.iq, type: .set, from: nil, to: receiver, id: "push-\(change.version)") { writer in
            writer.element("query", in: .roster, ["ver": "\(change.version)"]) { writer in
                if let item = change.item {
                    item.write(into: &writer)
                } else {
                    writer.element("item", ["jid": change.contact.description, "subscription": "remove"])
                }
            }
        }
    }
}
