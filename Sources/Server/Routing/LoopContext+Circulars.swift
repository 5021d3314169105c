package import XMPP

extension LoopContext {
    /// Sends one stanza to many full addresses, serialised once.
    ///
    /// It is for people as they are members of something, and not for their accounts: of the receivers' hooks only those
    /// see it that may refuse it.
    /// - Returns: those of our addresses that no session is bound to.
    package func send(_ stanza: Stanza, toEach receivers: [JID]) -> [JID] {
        let circular = Circular(stanza)
        let (importance, pace) = (stanza.importance, stanza.pace)
        let hooks = kernel.registry.hooks(stanza.kind, .toAccount).reject
        var missing: [JID] = []
        for receiver in receivers {
            guard kernel.serves(domainOf: receiver) else {
                var copy = stanza
                copy.to = receiver
                kernel.send(copy, on: self)
                continue
            }
            guard let account = kernel.accounts[receiver.bare], let handle = account.session(at: receiver) else {
                missing.append(receiver)
                continue
            }
            if !hooks.isEmpty {
                var copy = stanza
                copy.to = receiver
                let scope = HookScope(loop: self, account: account, session: nil)
                guard hooks.allSatisfy({ (try? $0.see(&copy, scope)) == .next }) else { continue }
            }
            send(circular, to: handle, importance, pace, from: stanza.from)
        }
        return missing
    }
}

extension Account {
    /// The session that is bound to a full address.
    fileprivate func session(at address: JID) -> SessionHandle? {
        withState { state in state.sessions.first { $0.handle.jid == address }?.handle }
    }
}
