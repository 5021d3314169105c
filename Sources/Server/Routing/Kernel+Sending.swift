internal import Logging
package import XMPP

extension Kernel {
    /// Routes a stanza that the server sends of its own accord; who cannot be reached is not told.
    package func send(_ stanza: Stanza, on loop: LoopContext) {
        guard let stanza = seenByHooks(stanza, on: loop) else { return }
        guard case .needs(let jid)? = try? router.route(stanza, on: loop) else { return }
        let reference = loops[loop.index]
        accounts.load(jid) { [logger, kind = stanza.kind, type = stanza.type] result in
            switch result {
            case .loaded:
                reference.execute { _ = try? $0.kernel.router.route(stanza, on: $0) }
            case .unknown:
                break
            case .failed(let reason):
                logger.error(
                    "An account cannot be read, and a \(kind) of type \(type) for it is lost.",
                    metadata: [LogKeys.jid: "\(jid)", LogKeys.reason: "\(reason)"])
            }
        }
    }

    /// What the hooks leave of a stanza that is sent in the name of one of our accounts; nil if they take or refuse it.
    private func seenByHooks(_ stanza: Stanza, on loop: LoopContext) -> Stanza? {
        let hooks = registry.hooks(stanza.kind, .fromAccount).beforeDelivery
        guard !hooks.isEmpty, let from = stanza.from, let account = accounts[from.bare] else { return stanza }
        var stanza = stanza
        let scope = HookScope(loop: loop, account: account, session: nil)
        for hook in hooks {
            guard (try? hook.see(&stanza, scope)) == .next else { return nil }
        }
        return stanza
    }
}
