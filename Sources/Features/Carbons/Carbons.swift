package import Server
package import XMPP
internal import NIOCore

/// XEP-0280: a user's other devices receive a copy of what one device sends or receives.
package struct Carbons: Feature {
    package static let xeps = [280]

    /// The sessions that want copies, and since when.
    private static let wanting = AccountSlot<[UInt64: DateTime]>([:])

    private unowned let kernel: Kernel

    package init(kernel: Kernel) {
        self.kernel = kernel
    }

    package var registrations: [[Registration]] {
        [
            Registration.advertise(.carbons, .carbonRules, on: .server),
            Registration.advertise(.carbonRules, on: .account),
            Registration.iq(.set, "enable", in: .carbons, on: .account, .inline { request, _, session, _ throws(StanzaError) in
                try set(request, session, wants: true)
            }),
            Registration.iq(.set, "disable", in: .carbons, on: .account, .inline { request, _, session, _ throws(StanzaError) in
                try set(request, session, wants: false)
            }),
            // XEP-0386 §3.2: "As this operation MUST succeed, no response is necessary."
            Registration.inline(.carbons) { bind, session, _ in
                if bind.child("enable", in: .carbons) != nil { set(session, wants: true) }
            },
            Registration.sessionEnded { session, _ in
                session.account.withState { state in
                    guard !state[Self.wanting].isEmpty else { return }
                    state[Self.wanting][session.handle.id] = nil
                }
            },
            Registration.sessionPart("carbons") { session in
                session.account.withState { $0[Self.wanting][session.handle.id] }.map { Array("\($0.milliseconds)".utf8) }
            } restore: { session, saved in
                guard let since = Int64(String(decoding: saved, as: UTF8.self)) else { return }
                session.account.withState { $0[Self.wanting][session.handle.id] = DateTime(milliseconds: since) }
            },
            Registration.isCopied { stanza, sent, account in
                guard Eligibility.isEligible(stanza, isSent: false) else { return false }
                return account.withState { state in
                    let wanting = state[Self.wanting]
                    return state.sessions.contains { session in wanting[session.handle.id].map { $0 <= sent } ?? false }
                }
            },
            Registration.message(.fromClient, .copy) { stanza, scope throws(StanzaError) in
                if let session = scope.session { Self.sent(stanza, by: session, scope) }
                return .next
            },
            Registration.message(.toAccount, .copy) { stanza, scope throws(StanzaError) in
                Self.received(stanza, scope)
                return .next
            },
            Registration.messageRefused { session, refusal in
                let scope = HookScope(loop: session.loop, account: session.account, session: nil)
                Self.received(refusal, scope)
            },
        ]
    }

    /// §4, §5
    private func set(_ request: IQRequest, _ session: Session?, wants: Bool) throws(StanzaError) {
        guard request.isOwn, let session else { throw StanzaError(.notAllowed) }
        set(session, wants: wants)
    }

    private func set(_ session: Session, wants: Bool) {
        let now = kernel.clock.date
        session.account.withState { state in
            let since = state[Self.wanting][session.handle.id] ?? now
            state[Self.wanting][session.handle.id] = wants ? since : nil
        }
    }

    // MARK: Copying

    /// §8: all devices but the sender's.
    private static func sent(_ stanza: Stanza, by session: Session, _ scope: HookScope) {
        let wanting = wanting(scope.account)
        guard !wanting.isEmpty, Eligibility.isEligible(stanza, isSent: true) else { return }
        var others = wanting.filter { $0 != session.handle }
        let to = stanza.to ?? scope.account.jid
        if to.hasSameBare(as: scope.account.jid) {
            // Whoever receives it from another device of the account needs no copy.
            let receivers = Delivery.receivers(of: stanza, to: to, scope.account.sessions)
            others.removeAll { receivers.contains($0) }
        }
        copy(stanza, isSent: true, to: others, scope)
    }

    /// §7: all devices but those that receive the message itself.
    private static func received(_ stanza: Stanza, _ scope: HookScope) {
        let wanting = wanting(scope.account)
        guard !wanting.isEmpty, let to = stanza.to, Eligibility.isEligible(stanza, isSent: false) else { return }
        // Among the devices of one account the sender's copies are enough.
        guard stanza.from?.hasSameBare(as: scope.account.jid) != true else { return }
        let receivers = Delivery.receivers(of: stanza, to: to, scope.account.sessions)
        copy(stanza, isSent: false, to: wanting.filter { !receivers.contains($0) }, scope)
    }

    private static func wanting(_ account: Account) -> [SessionHandle] {
        guard account.has(Self.wanting.mark) else { return [] }
        return account.withState { state in
            let wanting = state[Self.wanting]
            return wanting.isEmpty ? [] : state.sessions.map(\.handle).filter { wanting[$0.id] != nil }
        }
    }

    private static func copy(
        _ stanza: Stanza, isSent: Bool, to receivers: [SessionHandle], _ scope: HookScope
    ) {
        guard !receivers.isEmpty else { return }
        var writer = XMLWriter()
        var stanza = stanza
        // XEP-0313 §3.5: in copies of what the account has sent, the place is told as well.
        if let placement = stanza.placement, isSent { stanza.place(at: placement) }
        writer.element(isSent ? "sent" : "received", in: .carbons) { writer in
            writer.element("forwarded", in: .forwarding) { stanza.writeForwarded(into: &$0.buffer) }
        }
        for receiver in receivers {
            var copy = Stanza(.message, type: stanza.type, from: scope.account.jid, to: receiver.jid)
            copy.content = writer.buffer
            scope.loop.send(copy, to: [receiver])
        }
    }
}

extension Namespace {
    package static let carbons: Namespace = "urn:xmpp:carbons:2"
    package static let carbonRules: Namespace = "urn:xmpp:carbons:rules:0"
    /// XEP-0297
    package static let forwarding: Namespace = "urn:xmpp:forward:0"
}
