internal import NIOCore
package import XMPP

/// What all features have registered, sorted and frozen at the start; read without locks from every event loop.
package final class Registry: Sendable {
    /// The hooks that see one kind of stanza going one way, in the order of phases.
    final class Hooks: Sendable {
        let beforeDelivery: [Hook]
        /// Those among them that refuse what must not pass.
        let reject: [Hook]
        let absent: [Hook]
        let observe: [Hook]

        fileprivate init(_ found: [(phase: Phase, hook: Hook)]) {
            func hooks(_ phases: [Phase]) -> [Hook] {
                phases.sorted().flatMap { phase in found.filter { $0.phase == phase }.map(\.hook) }
            }
            absent = hooks([.absent])
            reject = hooks([.reject])
            observe = hooks([.observe])
            beforeDelivery = hooks(Phase.allCases.filter { $0 != .absent && $0 != .observe })
        }
    }

    /// An identity in answers of service discovery (XEP-0030 §3.1).
    package struct Identity: Sendable, Hashable {
        package let category: String
        package let type: String
        package let name: String?

        package init(category: String, type: String, name: String? = nil) {
            self.category = category
            self.type = type
            self.name = name
        }
    }

    /// What service discovery tells of an entity or a node.
    package struct Discovery: Sendable {
        package var identities: [Identity] = []
        /// Sorted, without repetition.
        package var features: [String] = []
        package var forms: [DataForm] = []

        package init() {}
    }

    /// What each domain and its accounts have.
    private let domainDiscovery: [Discovered: Discovery]
    /// The hosted services, in the order in which they were registered.
    package let services: [HostedService]
    /// What all hosted services have in common is among what each has.
    private let serviceDiscovery: [String: Discovery]
    package let streamFeatures: [any StreamFeature]
    private let nodes: [(asked: Asked, find: DiscoveryNode)]
    private let sources: [(asked: Asked, source: DiscoverySource)]
    let loaders: [AccountLoader]
    private let privateElements: [PrivateElement]
    package let vCardChanged: [@Sendable (Account, Element) async -> Void]
    package let capabilitiesKnown: [@Sendable (KnownCapabilities, LoopContext) -> Void]
    package let rosterChanged: [@Sendable (Account, JID, LoopContext) -> Void]
    let sessionBound: [@Sendable (Session) -> Void]
    package let becameAvailable: [@Sendable (Session) -> Void]
    package let presenceBroadcast: [@Sendable (Session) -> Void]
    package let becameUnavailable: [@Sendable (Session, Stanza) -> Void]
    let messageRefused: [@Sendable (Session, Stanza) -> Void]
    let sessionEnded: [@Sendable (Session, BoundSession) -> Void]
    let sessionLost: [@Sendable (Session, BoundSession) -> Void]
    package let addressesBlocked: [@Sendable (JID, Element) async -> Void]
    let sessionParts: [SessionPart]
    let restartParts: [RestartPart]
    let isCopied: [@Sendable (Stanza, DateTime, Account) -> Bool]
    let chores: [Chore]
    let stopping: [@Sendable (LoopContext) -> Void]
    let inlineFeatures: [InlineFeature]
    let boundReports: [@Sendable (Account) async -> ByteBuffer?]
    private let hooks: [Hooks]
    /// By hash of type, name, namespace and who is asked.
    private let handlers: [UInt64: [(key: IQKey, handler: IQHandler)]]

    private struct Discovered: Hashable {
        let domain: JID
        let asked: Asked
    }

    /// - Parameter domains: those that are served.
    /// - Throws: `DuplicateRegistration` if two features answer the same request.
    init(_ registrations: [Registration], domains: [Domain] = []) throws(DuplicateRegistration) {
        var discovery: [Asked: Discovery] = [:]
        var conditional: [(feature: String, asked: Asked, condition: DomainCondition)] = []
        var services: [HostedService] = []
        var sources: [(asked: Asked, source: DiscoverySource)] = []
        var privateElements: [PrivateElement] = []
        var vCardChanged: [@Sendable (Account, Element) async -> Void] = []
        var capabilitiesKnown: [@Sendable (KnownCapabilities, LoopContext) -> Void] = []
        var rosterChanged: [@Sendable (Account, JID, LoopContext) -> Void] = []
        var streamFeatures: [any StreamFeature] = []
        var nodes: [(asked: Asked, find: DiscoveryNode)] = []
        var loaders: [AccountLoader] = []
        var sessionBound: [@Sendable (Session) -> Void] = []
        var becameAvailable: [@Sendable (Session) -> Void] = []
        var presenceBroadcast: [@Sendable (Session) -> Void] = []
        var becameUnavailable: [@Sendable (Session, Stanza) -> Void] = []
        var messageRefused: [@Sendable (Session, Stanza) -> Void] = []
        var sessionEnded: [@Sendable (Session, BoundSession) -> Void] = []
        var sessionLost: [@Sendable (Session, BoundSession) -> Void] = []
        var addressesBlocked: [@Sendable (JID, Element) async -> Void] = []
        var sessionParts: [SessionPart] = []
        var restartParts: [RestartPart] = []
        var isCopied: [@Sendable (Stanza, DateTime, Account) -> Bool] = []
        var chores: [Chore] = []
        var stopping: [@Sendable (LoopContext) -> Void] = []
        var inlineFeatures: [InlineFeature] = []
        var boundReports: [@Sendable (Account) async -> ByteBuffer?] = []
        var handlers: [UInt64: [(key: IQKey, handler: IQHandler)]] = [:]
        var placed: [[(phase: Phase, hook: Hook)]] = Array(repeating: [], count: 3 * Direction.allCases.count)
        for registration in registrations {
            switch registration.kind {
            case .advertise(let namespace, let asked, nil): discovery[asked, default: Discovery()].features.append(namespace)
            case .advertise(let namespace, let asked, let condition?): conditional.append((namespace, asked, condition))
            case .identity(let category, let type, let name, let asked):
                discovery[asked, default: Discovery()].identities.append(
                    Identity(category: category, type: type, name: name))
            case .information(let form): discovery[.server, default: Discovery()].forms.append(form)
            case .discovery(let source, let asked): sources.append((asked, source))
            case .service(let service): services.append(service)
            case .privateElement(let element): privateElements.append(element)
            case .vCardChanged(let body): vCardChanged.append(body)
            case .capabilitiesKnown(let body): capabilitiesKnown.append(body)
            case .rosterChanged(let body): rosterChanged.append(body)
            case .node(let find, let asked): nodes.append((asked, find))
            case .iq(let key, let handler):
                let hash = key.lookupHash
                guard handlers[hash, default: []].allSatisfy({ $0.key != key }) else {
                    throw DuplicateRegistration(description: "two features answer \(key)")
                }
                handlers[hash, default: []].append((key, handler))
            case .hook(let kind, let direction, let phase, let hook):
                placed[Self.place(kind, direction)].append((phase, hook))
            case .stream(let feature): streamFeatures.append(feature)
            case .loader(let loader): loaders.append(loader)
            case .sessionBound(let body): sessionBound.append(body)
            case .becameAvailable(let body): becameAvailable.append(body)
            case .presenceBroadcast(let body): presenceBroadcast.append(body)
            case .becameUnavailable(let body): becameUnavailable.append(body)
            case .messageRefused(let body): messageRefused.append(body)
            case .sessionEnded(let body): sessionEnded.append(body)
            case .sessionLost(let body): sessionLost.append(body)
            case .addressesBlocked(let body): addressesBlocked.append(body)
            case .sessionPart(let part): sessionParts.append(part)
            case .restart(let part): restartParts.append(part)
            case .isCopied(let body): isCopied.append(body)
            case .chore(let chore): chores.append(chore)
            case .stopping(let body): stopping.append(body)
            case .inline(let feature): inlineFeatures.append(feature)
            case .boundReport(let body): boundReports.append(body)
            }
        }
        func found(_ asked: Asked..., at domain: Domain? = nil) -> Discovery {
            var result = Discovery()
            for asked in asked {
                result.identities += discovery[asked]?.identities ?? []
                result.features += discovery[asked]?.features ?? []
                result.forms += discovery[asked]?.forms ?? []
                guard let domain else { continue }
                result.features += conditional.filter { $0.asked == asked && $0.condition(domain) }.map(\.feature)
            }
            result.features = Set(result.features).sorted()
            return result
        }
        domainDiscovery = Dictionary(
            domains.flatMap { domain in
                [Asked.server, .account].map { (Discovered(domain: domain.jid, asked: $0), found($0, at: domain)) }
            }, uniquingKeysWith: { first, _ in first })
        self.services = services
        serviceDiscovery = Dictionary(
            services.map { ($0.label, found(.services, .service($0.label))) }, uniquingKeysWith: { first, _ in first })
        self.sources = sources
        self.privateElements = privateElements
        self.vCardChanged = vCardChanged
        self.capabilitiesKnown = capabilitiesKnown
        self.rosterChanged = rosterChanged
        self.streamFeatures = streamFeatures
        self.nodes = nodes
        self.loaders = loaders
        self.sessionBound = sessionBound
        self.becameAvailable = becameAvailable
        self.presenceBroadcast = presenceBroadcast
        self.becameUnavailable = becameUnavailable
        self.messageRefused = messageRefused
        self.sessionEnded = sessionEnded
        self.sessionLost = sessionLost
        self.addressesBlocked = addressesBlocked
        self.sessionParts = sessionParts
        self.restartParts = restartParts
        self.isCopied = isCopied
        self.chores = chores
        self.stopping = stopping
        self.inlineFeatures = inlineFeatures
        self.boundReports = boundReports
        self.handlers = handlers
        hooks = placed.map(Hooks.init)
    }

    /// What a node of the server or of an account is and can do; nil if no feature knows the node.
    package func node(_ name: String, of request: IQRequest, on asked: Asked) -> Discovery? {
        for node in nodes where node.asked == asked {
            if let found = node.find(name, request) { return found }
        }
        return nil
    }

    /// The feature that keeps an element of private storage; nil if it is kept like any other.
    package func privateElement(_ element: Element) -> PrivateElement? {
        privateElements.first { element.isNamed($0.name, in: $0.namespace) }
    }

    /// What an entity is and can do, as its features have declared it.
    /// - Parameter domain: that of the entity's address.
    package func discovery(of asked: Asked, at domain: JID) -> Discovery {
        switch asked {
        case .server, .account: domainDiscovery[Discovered(domain: domain, asked: asked)] ?? Discovery()
        case .services: Discovery()
        case .service(let label): serviceDiscovery[label] ?? Discovery()
        }
    }

    /// What a node in storage is and can do; nil if no feature knows the node.
    package func storedNode(_ name: String, of request: IQRequest) async throws(StanzaError) -> Discovery? {
        for source in sources where source.asked == request.asked {
            if let found = try await source.source.info(name, request) { return found }
        }
        return nil
    }

    /// The items in storage of a node, or of an entity itself; nil if no feature knows the node.
    package func storedItems(of node: String?, _ request: IQRequest) async throws(StanzaError) -> [DiscoveryItem]? {
        var result: [DiscoveryItem]?
        for source in sources where source.asked == request.asked {
            if let items = try await source.source.items(node, request) { result = (result ?? []) + items }
        }
        return result
    }

    func hooks(_ kind: Stanza.Kind, _ direction: Direction) -> Hooks {
        hooks[Self.place(kind, direction)]
    }

    private static func place(_ kind: Stanza.Kind, _ direction: Direction) -> Int {
        Int(kind.rawValue) * Direction.allCases.count + direction.rawValue
    }

    func handler(_ type: StanzaType, _ payload: Element, on asked: Asked) -> IQHandler? {
        let hash = payload.withNames { IQKey.lookupHash(type, asked, $0, $1) }
        let found = handlers[hash]?.first { entry in
            entry.key.type == type && entry.key.asked == asked
                && payload.isNamed(entry.key.name.text, in: entry.key.namespace)
        }?.handler
        if found == nil, case .service = asked { return handler(type, payload, on: .services) }
        return found
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
        switch asked {
        case .server: mix(0)
        case .account: mix(1)
        case .services: mix(2)
        case .service(let label):
            mix(3)
            for byte in label.utf8 { mix(byte) }
        }
        for byte in name { mix(byte) }
        mix(0)
        for byte in namespace { mix(byte) }
        return hash
    }
}
