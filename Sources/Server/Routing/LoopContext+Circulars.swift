package import XMPP

extension LoopContext {
    /// Sends one stanza to many full addresses, serialised once.
    ///
    /// It is for people as they are members of something, and not for their accounts: of the receivers' hooks only those
    /// see it that may refuse it; and those afterwards, where it waits for a client that is gone.
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
            guard let account = kernel.accounts[receiver.bare], let bound = account.session(at: receiver) else {
                missing.append(receiver)
                continue
            }
            if !hooks.isEmpty {
                var copy = stanza
                copy.to = receiver
                let scope = HookScope(loop: self, account: account, session: nil)
                guard hooks.allSatisfy({ (try? $0.see(&copy, scope)) == .next }) else { continue }
            }
            send(circular, to: bound.handle, importance, pace, from: stanza.from)
            if bound.isAway, stanza.kind == .message { observe(stanza, receiver, account) }
        }
        return missing
    }
}

extension LoopContext {
    private func observe(_ stanza: Stanza, _ receiver: JID, _ account: Account) {
        var copy = stanza
        copy.to = receiver
        let scope = HookScope(loop: self, account: account, session: nil)
        for hook in kernel.registry.hooks(.message, .toAccount).observe { _ = try? hook.see(&copy, scope) }
    }
}

extension Account {
    /// The session that is bound to a full address.
    fileprivate func session(at address: JID) -> (handle: SessionHandle, isAway: Bool)? {
        withState { state in
            // In place: the elements are large to copy.
            state.sessions.withUnsafeBufferPointer { sessions in
                for index in sessions.indices where sessions[index].handle.jid == address {
                    return (sessions[index].handle, sessions[index].isAway)
                }
                return nil
            }
        }
    }
}
