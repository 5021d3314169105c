package import XMPP

extension Kernel {
    /// Routes a stanza that the server sends of its own accord; who cannot be reached is not told.
    package func send(_ stanza: Stanza, on loop: LoopContext) {
        guard case .needs(let jid)? = try? router.route(stanza, on: loop) else { return }
        let reference = loops[loop.index]
        accounts.load(jid) { result in
            guard case .loaded = result else { return }
            reference.execute { _ = try? $0.kernel.router.route(stanza, on: $0) }
        }
    }
}
