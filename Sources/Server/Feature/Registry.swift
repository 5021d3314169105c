package import XMPP

/// What all features have registered, sorted and frozen at the start; read without locks from every event loop.
package final class Registry: Sendable {
    /// The hooks that see one kind of stanza going one way, in the order of phases.
    final class Hooks: Sendable {
        let beforeDelivery: [Hook]
        let absent: [Hook]
        let observe: [Hook]

        fileprivate init(_ found: [(phase: Phase, hook: Hook)]) {
            func hooks(_ phases: [Phase]) -> [Hook] {
                phases.sorted().flatMap { phase in found.filter { $0.phase == phase }.map(\.hook) }
            }
            absent = hooks([.absent])
            observe = hooks([.observe])
            beforeDelivery = hooks(Phase.allCases.filter { $0 != .absent && $0 != .observe })
        }
    }

    /// An identity in answers of service discovery (XEP-0030 §3.1).
    package struct Identity: Sendable, Hashable {
        package let category: String
        package let type: String
        package let name: String?
    }

    /// What service discovery tells of the server or of an account.
    package struct Discovery: Sendable {
        package fileprivate(set) var identities: [Identity] = []
        /// Sorted, without repetition.
        package fileprivate(set) var features: [String] = []
        package fileprivate(set) var forms: [DataForm] = []
    }

    package let server: Discovery
    package let account: Discovery
    package let streamFeatures: [any StreamFeature]
    private let nodes: [(asked: Asked, find: DiscoveryNode)]
    let loaders: [AccountLoader]
    let sessionBound: [@Sendable (Session) -> Void]
    package let becameAvailable: [@Sendable (Session) -> Void]
    package let presenceBroadcast: [@Sendable (Session) -> Void]
    package let becameUnavailable: [@Sendable (Session, Stanza) -> Void]
    let messageRefused: [@Sendable (Session, Stanza) -> Void]
    let sessionEnded: [@Sendable (Session, BoundSession) -> Void]
    let sessionParts: [SessionPart]
    private let hooks: [Hooks]
    /// By hash of type, name, namespace and who is asked.
    private let handlers: [UInt64: [(key: IQKey, handler: IQHandler)]]

    /// - Throws: `DuplicateRegistration` if two features answer the same request.
    init(_ registrations: [Registration]) throws(DuplicateRegistration) {
        var server = Discovery()
        var account = Discovery()
        var streamFeatures: [any StreamFeature] = []
        var nodes: [(asked: Asked, find: DiscoveryNode)] = []
        var loaders: [AccountLoader] = []
        var sessionBound: [@Sendable (Session) -> Void] = []
        var becameAvailable: [@Sendable (Session) -> Void] = []
        var presenceBroadcast: [@Sendable (Session) -> Void] = []
        var becameUnavailable: [@Sendable (Session, Stanza) -> Void] = []
        var messageRefused: [@Sendable (Session, Stanza) -> Void] = []
        var sessionEnded: [@Sendable (Session, BoundSession) -> Void] = []
        var sessionParts: [SessionPart] = []
        var handlers: [UInt64: [(key: IQKey, handler: IQHandler)]] = [:]
        var found: [[(phase: Phase, hook: Hook)]] = Array(repeating: [], count: 3 * Direction.allCases.count)
        for registration in registrations {
            switch registration.kind {
            case .advertise(let namespace, .server): server.features.append(namespace)
            case .advertise(let namespace, .account): account.features.append(namespace)
            case .identity(let category, let type, let name, .server):
                server.identities.append(Identity(category: category, type: type, name: name))
            case .identity(let category, let type, let name, .account):
                account.identities.append(Identity(category: category, type: type, name: name))
            case .information(let form): server.forms.append(form)
            case .node(let find, let asked): nodes.append((asked, find))
            case .iq(let key, let handler):
                let hash = key.lookupHash
                guard handlers[hash, default: []].allSatisfy({ $0.key != key }) else {
                    throw DuplicateRegistration(description: "two features answer \(key)")
                }
                handlers[hash, default: []].append((key, handler))
            case .hook(let kind, let direction, let phase, let hook):
                found[Self.place(kind, direction)].append((phase, hook))
            case .stream(let feature): streamFeatures.append(feature)
            case .loader(let loader): loaders.append(loader)
            case .sessionBound(let body): sessionBound.append(body)
            case .becameAvailable(let body): becameAvailable.append(body)
            case .presenceBroadcast(let body): presenceBroadcast.append(body)
            case .becameUnavailable(let body): becameUnavailable.append(body)
            case .messageRefused(let body): messageRefused.append(body)
            case .sessionEnded(let body): sessionEnded.append(body)
            case .sessionPart(let part): sessionParts.append(part)
            }
        }
        server.features = Set(server.features).sorted()
        account.features = Set(account.features).sorted()
        self.server = server
        self.account = account
        self.streamFeatures = streamFeatures
        self.nodes = nodes
        self.loaders = loaders
        self.sessionBound = sessionBound
        self.becameAvailable = becameAvailable
        self.presenceBroadcast = presenceBroadcast
        self.becameUnavailable = becameUnavailable
        self.messageRefused = messageRefused
        self.sessionEnded = sessionEnded
        self.sessionParts = sessionParts
        self.handlers = handlers
        hooks = found.map(Hooks.init)
    }

    /// What a node of the server or of an account is and can do; nil if no feature knows the node.
    package func node(_ name: String, of request: IQRequest, on asked: Asked) -> Discovery? {
        for node in nodes where node.asked == asked {
            if let found = node.find(name, request) { return found }
        }
        return nil
    }

    func hooks(_ kind: Stanza.Kind, _ direction: Direction) -> Hooks {
        hooks[Self.place(kind, direction)]
    }

    private static func place(_ kind: Stanza.Kind, _ direction: Direction) -> Int {
        Int(kind.rawValue) * Direction.allCases.count + direction.rawValue
    }

    func handler(_ type: StanzaType, _ payload: Element, on asked: Asked) -> IQHandler? {
        let hash = payload.withNames { IQKey.lookupHash(type, asked, $0, $1) }
        return handlers[hash]?.first { entry in
            entry.key.type == type && entry.key.asked == asked
                && payload.isNamed(entry.key.name.text, in: entry.key.namespace)
        }?.handler
    }
}

/// Two features want the same thing: a mistake in the program.
package struct DuplicateRegistration: Error, CustomStringConvertible {
    package let description: String
}

extension IQKey {
    fileprivate var lookupHash: UInt64 {
        name.text.withUTF8Buffer { name in
            namespace.text.withUTF8Buffer { namespace in
                Self.lookupHash(type, asked, UnsafeRawBufferPointer(name), UnsafeRawBufferPointer(namespace))
            }
        }
    }

    /// FNV-1a: the keys are our own, so nobody else can make them collide.
    fileprivate static func lookupHash(
        _ type: StanzaType, _ asked: Asked, _ name: UnsafeRawBufferPointer, _ namespace: UnsafeRawBufferPointer
    ) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        mix(type.rawValue)
        mix(asked == .account ? 1 : 0)
        for byte in name { mix(byte) }
        mix(0)
        for byte in namespace { mix(byte) }
        return hash
    }
}
