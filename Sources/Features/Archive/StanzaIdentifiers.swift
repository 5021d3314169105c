package import Server
internal import XMPP

/// XEP-0359: the places that messages have in archives cannot be made up by others.
package struct StanzaIdentifiers: Feature {
    package static let xeps = [359]

    package init(kernel: Kernel) {}

    package var registrations: [[Registration]] {
        [
            Registration.advertise(.stanzaIdentifiers, on: .account),
            Registration.message(.fromClient, .rewrite) { stanza, scope in
                Self.clean(&stanza, of: scope.account)
                return .next
            },
            Registration.message(.toAccount, .rewrite) { stanza, scope in
                Self.clean(&stanza, of: scope.account)
                return .next
            },
        ]
    }

    /// §3, rule 2: nobody but its server says what the place in an account's archive is.
    private static func clean(_ stanza: inout Stanza, of account: Account) {
        guard let element = stanza.element, element.hasChild("stanza-id", in: .stanzaIdentifiers) else { return }
        for child in element.children where child.isNamed("stanza-id", in: .stanzaIdentifiers) {
            guard let by = child["by"].flatMap({ try? JID($0) }), by == account.jid, !stanza.omits(child)
            else { continue }
            stanza.omit(child)
            // What the sender's archive has kept is not what this one is to keep.
            stanza.placement = nil
        }
    }
}
