package import XMPP

/// Decides by its address where a stanza goes (RFC 6120 §10, RFC 6121 §8).
package struct Router: Sendable {
    package enum Outcome {
        case done
        /// The account it is addressed to must be brought into memory first; then route it again.
        case needs(JID)
    }

    /// Owns the router, and so outlives it.
    private unowned(unsafe) let kernel: Kernel

    init(kernel: Kernel) {
        self.kernel = kernel
    }

    /// Routes a stanza of a local sender, whose own hooks have seen it.
    /// - Throws: the refusal to be answered to the sender.
    package func route(_ stanza: Stanza, on loop: LoopContext, session: Session? = nil) throws(StanzaError) -> Outcome {
        guard let to = stanza.to else {
            throw StanzaError(.badRequest, "the stanza has no address")
        }
        guard kernel.serves(domainOf: to) else {
            if let component = kernel.component(at: to) {
                try component.receive(stanza, on: loop, session)
                return .done
            }
            if let service = kernel.service(at: to) {
                try routeToService(service, stanza, to, loop, session)
                return .done
            }
            throw StanzaError(.remoteServerNotFound, "this server talks to no other servers yet")
        }
        if to.isDomain || to.bare.isDomain {
            try routeToServer(stanza, to, loop, session)
            return .done
        }
        switch kernel.accounts.find(to.bare) {
        case .loaded(let account):
            return try deliver(stanza, to: account, on: loop, session: session)
        case .unknown:
            try deliverToUnknownAccount(stanza, to, loop, session)
            return .done
        case .notLoaded:
            // Presence reaches only sessions, and who is not in memory has none.
            if stanza.kind == .presence, stanza.type == .available || stanza.type == .unavailable { return .done }
            return .needs(to.bare)
        }
    }

    /// Sends an error to whom a stanza came from, if it may be answered so.
    package func bounce(_ stanza: Stanza, _ error: StanzaError, on loop: LoopContext) {
        guard let bounced = stanza.bounced(error) else { return }
        _ = try? route(bounced, on: loop)
    }

    /// Answers a probe of somebody who may not see the presence of whom they ask for, or who asks for nobody
    /// (RFC 6121 §4.3.2): both get the same answer.
    package func refuseProbe(_ probe: Stanza, on loop: LoopContext, session: Session?) {
        guard let prober = probe.from?.bare, let probed = probe.to?.bare else { return }
        let refusal = Stanza(.presence, type: .unsubscribed, from: probed, to: prober, id: probe.identifier)
        if let session, !session.account.isSubscribed(to: probed) {
            // A.3.4: the roster would ignore it, but the client has asked for it.
            session.send(refusal)
        } else {
            loop.kernel.send(refusal, on: loop)
        }
    }

    private func deliver(
        _ stanza: Stanza, to account: Account, on loop: LoopContext, session: Session?
    ) throws(StanzaError) -> Outcome {
        var stanza = stanza
        let scope = HookScope(loop: loop, account: account, session: session)
        let hooks = kernel.registry.hooks(stanza.kind, .toAccount)
        for hook in hooks.beforeDelivery {
            if try hook.see(&stanza, scope) == .handled { return .done }
        }
        if stanza.kind == .iq, stanza.to?.isBare == true {
            try routeToServer(stanza, account.jid, loop, session)
            return .done
        }
        if try !Delivery.deliver(stanza, scope) {
            try absent(&stanza, hooks, scope)
        }
        for hook in hooks.observe { _ = try hook.see(&stanza, scope) }
        return .done
    }

    /// Nobody could take a stanza: it is kept by a hook, or refused, or dropped.
    private func absent(_ stanza: inout Stanza, _ hooks: Registry.Hooks, _ scope: HookScope) throws(StanzaError) {
        for hook in hooks.absent {
            if try hook.see(&stanza, scope) == .handled { return }
        }
        try Delivery.refuseAbsent(stanza)
    }

    /// RFC 6121 §8.5.1: there is no such account. All is answered as for an account that nobody is logged in to and
    /// that does not know the sender, so that accounts cannot be found by trying (RFC 6120 §13.11).
    private func deliverToUnknownAccount(
        _ stanza: Stanza, _ to: JID, _ loop: LoopContext, _ session: Session?
    ) throws(StanzaError) {
        if stanza.kind == .iq, to.isBare {
            try routeToServer(stanza, to, loop, session)
        } else if stanza.kind == .presence, stanza.type == .probe {
            refuseProbe(stanza, on: loop, session: session)
        } else {
            try Delivery.refuseAbsent(stanza)
        }
    }

    private func routeToService(
        _ service: HostedService, _ stanza: Stanza, _ to: JID, _ loop: LoopContext, _ session: Session?
    ) throws(StanzaError) {
        if stanza.kind == .iq, to.isDomain {
            try kernel.registry.answer(stanza, on: loop, session: session)
        } else {
            try service.receive(stanza, loop, session)
        }
    }

    /// A stanza that the server itself answers: on its own behalf, or on behalf of an account (RFC 6121 §8.5.1).
    private func routeToServer(
        _ stanza: Stanza, _ to: JID, _ loop: LoopContext, _ session: Session?
    ) throws(StanzaError) {
        switch stanza.kind {
        case .iq:
            try kernel.registry.answer(stanza, on: loop, session: session)
        case .message:
            // RFC 6120 §10.5.1 leaves it to the server; nobody reads its messages.
            if stanza.type != .error { throw StanzaError(.serviceUnavailable) }
        case .presence:
            break
        }
    }
}
