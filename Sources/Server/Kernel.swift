internal import Accounts
package import Logging
internal import NIOCore
package import Storage
internal import Synchronization
package import TLS
package import XMPP

/// What all parts of the server share: domains, accounts in memory, features, event loops.
///
/// `@unchecked Sendable`: its variables are set in `init` only; what changes later is behind locks.
package final class Kernel: @unchecked Sendable {
    package let configuration: Configuration
    package let logger: Logger
    package let database: Database
    /// The messages that accounts keep.
    package let archive: any ArchiveStore
    /// The certificates shown to clients, exchanged when they are reloaded.
    package let identities: TLSIdentities
    /// The served domains by their JID.
    package let domains: [JID: Domain]
    package let clock: ServerClock
    package private(set) var registry: Registry!
    package private(set) var accounts: AccountTable!
    package private(set) var loops: [LoopReference] = []
    package private(set) var router: Router!
    private(set) var binding: Binding!
    let resumptions = Resumptions()
    /// Random bytes that stay the same over restarts; what is derived from them cannot be foreseen.
    let secret: [UInt8]
    /// What streams may authenticate with.
    let offers: AuthenticationOffers
    /// The hosted services by their addresses.
    private var services: [JID: HostedService] = [:]
    /// The external components by their addresses, which come before hosted services of the same.
    private let components: [JID: Component]
    let questions = Questions()
    private(set) var leavers: Leavers!
    let addresses: AddressAdmission
    let throttle: LoginThrottle
    /// The first domain of the configuration: who speaks to a peer that has named no domain, or none of ours
    /// (RFC 6120 §4.9.1.3).
    package let mainDomain: JID?
    private let defaultDomain: JID?
    /// The extensions of this server.
    let features: [any Feature.Type]
    private let currentLimits: Mutex<StreamLimits>
    private let currentComponentLimits: Mutex<StreamLimits>
    private let sessionCount = Atomic<UInt64>(0)
    private let endedCount = Atomic<UInt64>(0)
    private let connectionChanges = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - group: the event loops that connections are served on.
    ///   - features: the extensions, in the order in which hooks of one phase run.
    ///   - secret: random bytes that stay the same.
    ///   - wall: tells the date.
    init(
        configuration: Configuration, logger: Logger, database: Database, archive: any ArchiveStore,
        identities: TLSIdentities, secret: [UInt8], domains: [Domain], group: any EventLoopGroup, features: [any Feature.Type],
        wall: @escaping @Sendable () -> DateTime
    ) async throws {
        self.configuration = configuration
        self.logger = logger
        self.database = database
        self.archive = archive
        self.identities = identities
        self.secret = secret
        self.features = features
        self.domains = Dictionary(uniqueKeysWithValues: domains.map { ($0.jid, $0) })
        mainDomain = domains.first?.jid
        defaultDomain = domains.count == 1 ? domains[0].jid : nil
        addresses = AddressAdmission(configuration)
        let eventLoops = Array(group.makeIterator())
        clock = ServerClock(eventLoops[0], wall: wall)
        throttle = LoginThrottle(configuration, clock)
        currentLimits = Mutex(StreamLimits(configuration))
        currentComponentLimits = Mutex(StreamLimits(configuration, of: .component))
        components = try Component.all(configuration)
        offers = AuthenticationOffers()
        let chore = FastAuthentication.chore { [unowned self] in self }
        registry = try Registry(
            Self.own + chore + features.flatMap { $0.init(kernel: self).registrations }.flatMap { $0 },
            domains: domains)
        offers.inline = registry.inlineFeatures.map(\.name)
        services = HostedService.addresses(registry.services, below: domains) { [components] in components[$0] != nil }
        router = Router(kernel: self)
        binding = Binding(kernel: self)
        leavers = Leavers(kernel: self)
        accounts = AccountTable(clock: clock) { [unowned self] jid, isKnown, completion in read(jid, isKnown, completion) }
        for domain in domains {
            domain.local?.onLogin { [accounts] user in
                guard let jid = try? JID(local: user, of: domain.jid) else { return }
                accounts?.load(jid, isKnown: true) { _ in }
            }
        }
        for (index, eventLoop) in eventLoops.enumerated() {
            loops.append(
                try await eventLoop.submit {
                    LoopReference(
                        LoopContext(eventLoop: eventLoop, index: index, loopCount: eventLoops.count, kernel: self))
                }.get())
        }
    }

    /// What is negotiated on every client stream.
    private static let own: [Registration] = [
        StartTLS() as any StreamFeature, StartTLSRefusal(), Authentication(), ExtensibleSASL(), ResourceBinding(), SessionEstablishment(),
        StreamLimitsAdvertisement(), StreamManagement(),
        ClientState(),
    ].flatMap { Registration.stream($0) } + SessionEstablishment.registrations + StreamManagement.inline
        + ClientState.inline

    // MARK: Domains

    /// The served domain that an address names; for no address, the only domain there is.
    package func servedDomain(_ name: String?) -> JID? {
        guard let name else { return defaultDomain }
        guard let jid = try? JID(name), jid.isDomain, domains[jid] != nil else { return nil }
        return jid
    }

    package func domain(_ jid: JID) -> Domain? { domains[jid] }

    /// Whether an address is of one of the served domains.
    package func serves(domainOf jid: JID) -> Bool {
        if let defaultDomain { return jid.hasSameDomain(as: defaultDomain) }
        return domains[jid.domainJID] != nil
    }

    /// The service that an address belongs to.
    package func service(at jid: JID) -> HostedService? { services[jid.domainJID] }

    /// The services below a served domain.
    package func services(of domain: JID) -> [(jid: JID, service: HostedService)] {
        registry.services.compactMap { service in
            guard let jid = try? JID("\(service.label).\(domain)"), services[jid] != nil else { return nil }
            return (jid, service)
        }
    }

    /// The external component that an address belongs to.
    func component(at jid: JID) -> Component? { components.isEmpty ? nil : components[jid.domainJID] }

    /// The external components that are listed at a served domain: those below it, and those below none.
    package func components(of domain: JID) -> [JID] {
        let suffix = ".\(domain)"
        return components.keys.filter { component in
            component.description.hasSuffix(suffix)
                || !domains.keys.contains { component.description.hasSuffix(".\($0)") }
        }.sorted { $0.description < $1.description }
    }

    /// Who is asked by a request to an address of this server.
    func asked(by to: JID) -> Asked {
        guard to.bare.isDomain else { return .account }
        if !serves(domainOf: to), let service = service(at: to) { return .service(service.label) }
        return .server
    }

    // MARK: Limits

    package var limits: StreamLimits { currentLimits.withLock { $0 } }
    var componentLimits: StreamLimits { currentComponentLimits.withLock { $0 } }

    /// Takes over what of a new configuration can be changed while the server runs.
    package func reload(_ configuration: Configuration) {
        currentLimits.withLock { $0 = StreamLimits(configuration) }
        currentComponentLimits.withLock { $0 = StreamLimits(configuration, of: .component) }
        addresses.reload(configuration)
        throttle.reload(configuration)
        for section in configuration.domains {
            if let jid = try? JID(section.name) { domains[jid]?.movedTo = section.movedTo }
        }
        for loop in loops {
            loop.execute {
                $0.featureLists = FeatureLists()
                $0.sendOn()
            }
        }
    }

    // MARK: Loops and sessions

    /// The context of an event loop; to be called on it.
    func context(of eventLoop: any EventLoop) -> LoopContext? {
        loops.first { $0.eventLoop === eventLoop }?.current
    }

    /// How many connections and sessions have begun and ended since the start.
    var changes: UInt64 {
        sessionCount.load(ordering: .relaxed) + endedCount.load(ordering: .relaxed)
            + connectionChanges.load(ordering: .relaxed)
    }

    func connectionChanged() { connectionChanges.add(1, ordering: .relaxed) }

    func sessionEnded() { endedCount.add(1, ordering: .relaxed) }

    func nextSessionID() -> UInt64 { sessionCount.add(1, ordering: .relaxed).newValue }

    // MARK: Accounts

    /// Finds out whether an account exists, and reads what the features keep of it.
    /// - Parameter isKnown: whether the account has just proved to exist.
    private func read(
        _ jid: JID, _ isKnown: Bool, _ completion: @escaping @Sendable (AccountTable.LoadResult) -> Void
    ) {
        guard let domain = domains[jid.domainJID], let user = jid.local else { return completion(.unknown) }
        if isKnown { return readFeatures(of: jid, completion) }
        Task {
            switch await domain.existence(of: user) {
            case .unknown: completion(.unknown)
            case .unavailable(let reason): completion(.failed(reason))
            case .exists: readFeatures(of: jid, completion)
            }
        }
    }

    private func readFeatures(of jid: JID, _ completion: @escaping @Sendable (AccountTable.LoadResult) -> Void) {
        database.read { [registry] transaction in
            let account = Account(jid: jid)
            try account.withState { state in
                for loader in registry?.loaders ?? [] { try loader.load(jid, transaction, &state) }
            }
            return account
        } completion: { result in
            switch result {
            case .success(let account): completion(.loaded(account))
            case .failure(let error): completion(.failed("\(error)"))
            }
        }
    }
}
