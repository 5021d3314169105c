package import Server
internal import Synchronization
package import XMPP

/// XEP-0115: tells what the server can do in the stream features, so that clients that have met it before need not ask
/// (§6.3); and finds out what clients can do by the hashes in their presence, of this specification or of XEP-0390.
package struct EntityCapabilities: Feature {
    package static let xeps = [115, 390]
    package static let migrations = CapabilityCache.migrations

    /// What the last presence of each session has said, by its id.
    private static let hashes = AccountSlot<[UInt64: CapabilityHash]>([:])
    /// How many visitors one account may have.
    private static let visitorLimit = 1_000

    private unowned let kernel: Kernel
    private let cache: CapabilityCache
    private let returned = Returned()

    /// Sessions that are back after a restart of the server, until it is found out what they can do.
    private final class Returned: Sendable {
        let sessions = Mutex<[(account: Account, handle: SessionHandle, hash: CapabilityHash)]>([])
    }

    package init(kernel: Kernel) {
        self.kernel = kernel
        cache = CapabilityCache(kernel: kernel)
    }

    package var registrations: [[Registration]] {
        let announcement = CapabilitiesAnnouncement(kernel: kernel)
        return [
            Registration.advertise(.capabilities, on: .server),
            Registration.stream(announcement),
            Registration.node(on: .server) { node, request in
                node == "\(Software.uri)#\(announcement.verification(of: request.to.domainJID))"
                    ? kernel.registry.discovery(of: .server, at: request.to.domainJID) : nil
            },
            Registration.presence(.fromClient, .rewrite) { stanza, scope throws(StanzaError) in
                sent(stanza, scope)
                return .next
            },
            Registration.presence(.toAccount, .observe) { stanza, scope throws(StanzaError) in
                received(stanza, scope)
                return .next
            },
            // A client that comes back to its session does not say again what it can do (XEP-0198 §5).
            Registration.sessionPart("capabilities") { session in
                session.account.withState { $0[Self.hashes][session.handle.id]?.saved }
            } restore: { session, saved in
                guard let hash = CapabilityHash(saved: saved) else { return }
                returned.sessions.withLock { $0.append((session.account, session.handle, hash)) }
            },
            Registration.restart(save: {}, restore: recall),
            Registration.sessionEnded { session, _ in
                session.account.withState { state in
                    state.capabilities[session.handle.id] = nil
                    state[Self.hashes][session.handle.id] = nil
                }
            },
        ]
    }

    // MARK: Sessions

    private func sent(_ stanza: Stanza, _ scope: HookScope) {
        guard let session = scope.session, stanza.type == .available || stanza.type == .unavailable else { return }
        guard let receiver = stanza.to else {
            if stanza.type == .available, let element = stanza.element { broadcast(element, session) }
            return
        }
        // Directed presence shares it with somebody who may not be subscribed (XEP-0060 §9.1.3).
        guard receiver.isBare, let account = kernel.accounts[receiver], account !== session.account else { return }
        visit(stanza, account, scope)
    }

    /// A session says to everybody what it can do.
    private func broadcast(_ presence: Element, _ session: Session) {
        let hash = CapabilityHash(presence)
        let id = session.handle.id
        let isNew = session.account.withState { state in
            guard state[Self.hashes][id] != hash else { return false }
            state[Self.hashes][id] = hash
            if hash == nil { state.capabilities[id] = nil }
            return true
        }
        guard isNew, let hash else { return }
        learn(hash, of: session.handle, session.account, session.loop)
    }

    private func learn(_ hash: CapabilityHash, of handle: SessionHandle, _ account: Account, _ loop: LoopContext) {
        let id = handle.id
        let jid = handle.jid
        learn(hash, of: jid, loop) { capabilities, loop in
            let change = account.withState { state -> KnownCapabilities? in
                guard state[Self.hashes][id] == hash else { return nil }
                let before = state.capabilities[id]
                state.capabilities[id] = capabilities
                return KnownCapabilities(jid, account, isVisitor: false, before: before, now: capabilities)
            }
            guard let change else { return }
            for body in loop.kernel.registry.capabilitiesKnown { body(change, loop) }
        }
    }

    // MARK: Restart

    /// Finds out what sessions that are back can do, before their clients come for them. They are news to nobody, unless
    /// they have to be asked for.
    private func recall() async {
        let sessions = returned.sessions.withLock { sessions in
            defer { sessions = [] }
            return sessions
        }
        guard !sessions.isEmpty else { return }
        let known = await cache.stored(Set(sessions.map(\.hash)))
        for session in sessions {
            let capabilities = known[session.hash]
            session.account.withState { state in
                state[Self.hashes][session.handle.id] = session.hash
                state.capabilities[session.handle.id] = capabilities
            }
            guard capabilities == nil else { continue }
            kernel.loops[session.handle.loop].execute { learn(session.hash, of: session.handle, session.account, $0) }
        }
    }

    // MARK: Visitors

    private func received(_ stanza: Stanza, _ scope: HookScope) {
        guard let from = stanza.from else { return }
        switch stanza.type {
        case .available:
            // The sessions of our own accounts are known where they are.
            if !kernel.serves(domainOf: from) { visit(stanza, scope.account, scope) }
        case .unavailable:
            scope.account.withState { state in
                if !state.visitors.isEmpty { state.visitors[from] = nil }
            }
        default: break
        }
    }

    private func visit(_ stanza: Stanza, _ account: Account, _ scope: HookScope) {
        guard let from = stanza.from, from.isFull else { return }
        guard stanza.type == .available, let hash = stanza.element.flatMap(CapabilityHash.init) else {
            return account.withState { $0.visitors[from] = nil }
        }
        learn(hash, of: from, scope.loop) { capabilities, loop in
            let change = account.withState { state -> KnownCapabilities? in
                let before = state.visitors[from]
                guard before !== capabilities, before != nil || state.visitors.count < Self.visitorLimit else { return nil }
                state.visitors[from] = capabilities
                return KnownCapabilities(from, account, isVisitor: true, before: before, now: capabilities)
            }
            guard let change else { return }
            for body in loop.kernel.registry.capabilitiesKnown { body(change, loop) }
        }
    }

    /// Calls back at once if it is known what a hash stands for.
    private func learn(
        _ hash: CapabilityHash, of entity: JID, _ loop: LoopContext,
        _ completion: @escaping @Sendable (Capabilities, LoopContext) -> Void
    ) {
        if let known = cache.known(hash) { return completion(known, loop) }
        let domain = kernel.serves(domainOf: entity) ? entity.domainJID : kernel.mainDomain
        guard let domain else { return }
        cache.learn(
            CapabilityCache.Waiter(entity: entity, domain: domain, hash: hash, loop: loop.index, completion: completion))
    }
}

/// `<c/>` in the stream features.
private final class CapabilitiesAnnouncement: StreamFeature {
    let rule = StreamFeatureRule(requires: [.authenticated])
    private unowned let kernel: Kernel
    private let computed = Mutex<[JID: VerificationString]>([:])

    init(kernel: Kernel) {
        self.kernel = kernel
    }

    /// Computed once for each of our domains: when it is needed first, all features have registered, and nothing
    /// changes any more.
    func verification(of domain: JID) -> VerificationString {
        computed.withLock { computed in
            if let known = computed[domain] { return known }
            let server = kernel.registry.discovery(of: .server, at: domain)
            let result = VerificationString(
                identities: server.identities.map { .init(category: $0.category, type: $0.type, name: $0.name) },
                features: server.features, forms: server.forms)
            computed[domain] = result
            return result
        }
    }

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        guard let domain = stream.machine.domain else { return }
        writer.element(
            "c", in: .capabilities,
            ["hash": "sha-1", "node": Software.uri, "ver": verification(of: domain).description])
    }
}

extension Namespace {
    package static let capabilities: Namespace = "http://jabber.org/protocol/caps"
}
