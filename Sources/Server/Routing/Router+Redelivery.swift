package import XMPP

extension Router {
    /// Routes what was sent to a session that has ended without having acknowledged it, like something for a resource
    /// that is gone (XEP-0198 §4). Archives, copies and counters have seen it before, and do not see it again.
    /// - Parameter sent: when it was first sent to the session.
    func redeliver(_ stanza: Stanza, sent: DateTime, of account: Account, on loop: LoopContext) {
        guard let answer = answer(to: stanza) else {
            // Another device has it already.
            guard !loop.kernel.registry.isCopied.contains(where: { $0(stanza, sent, account) }) else { return }
            var stanza = stanza
            stanza.delay(since: sent, by: account.jid.domainJID)
            return redeliver(stanza, of: account, on: loop)
        }
        if case .refuse = answer { bounce(stanza, StanzaError(.serviceUnavailable), on: loop) }
    }

    private enum Answer { case drop, refuse }

    /// What becomes of a stanza that nobody else is given; nil for those that are.
    private func answer(to stanza: Stanza) -> Answer? {
        switch (stanza.kind, stanza.type) {
        case (.message, .normal), (.message, .chat): isCopy(stanza) ? .drop : nil
        // A room learns so that its occupant is gone.
        case (.message, .groupchat), (.iq, .get), (.iq, .set): stanza.from == nil ? .drop : .refuse
        case (.message, _), (.presence, _), (.iq, _): .drop
        }
    }

    /// Whether a message only repeats what is kept elsewhere, for this one session: a carbon copy (XEP-0280), or what
    /// was found in an archive (XEP-0313).
    private func isCopy(_ stanza: Stanza) -> Bool {
        stanza.element?.children.contains { $0.isIn("urn:xmpp:carbons:2") || $0.isNamed("result", in: "urn:xmpp:mam:2") }
            ?? false
    }

    private func redeliver(_ stanza: Stanza, of account: Account, on loop: LoopContext) {
        let scope = HookScope(loop: loop, account: account, session: nil)
        do throws(StanzaError) {
            if Delivery.deliverToMostAvailable(stanza, scope) { return }
            var stanza = stanza
            for hook in loop.kernel.registry.hooks(.message, .toAccount).absent {
                if try hook.see(&stanza, scope) == .handled { return }
            }
            throw StanzaError(.serviceUnavailable)
        } catch {
            bounce(stanza, error, on: loop)
        }
    }
}
