package import NIOCore
package import Storage
package import XMPP

/// Who is asked.
package enum Asked: Sendable, Hashable {
    /// An account, by its bare JID.
    case account
    /// The server, by its domain.
    case server
    /// Any hosted service, by its domain.
    case services
    /// The hosted service with this label.
    case service(String)
}

/// One thing that a feature adds to the server. A feature is a list of these.
package struct Registration: Sendable {
    package enum Kind: Sendable {
        case advertise(String, on: Asked, where: DomainCondition?)
        case identity(category: String, type: String, name: String?, on: Asked)
        case information(DataForm)
        case node(DiscoveryNode, on: Asked)
        case discovery(DiscoverySource, on: Asked)
        case service(HostedService)
        case iq(IQKey, IQHandler)
        case hook(Stanza.Kind, Direction, Phase, Hook)
        case stream(any StreamFeature)
        case loader(AccountLoader)
        case capabilitiesKnown(@Sendable (KnownCapabilities, LoopContext) -> Void)
        case privateElement(PrivateElement)
        case vCardChanged(@Sendable (Account, Element) async -> Void)
        case rosterChanged(@Sendable (Account, JID, LoopContext) -> Void)
        case sessionBound(@Sendable (Session) -> Void)
        case becameAvailable(@Sendable (Session) -> Void)
        case presenceBroadcast(@Sendable (Session) -> Void)
        case becameUnavailable(@Sendable (Session, Stanza) -> Void)
        case messageRefused(@Sendable (Session, Stanza) -> Void)
        case sessionEnded(@Sendable (Session, BoundSession) -> Void)
        case sessionLost(@Sendable (Session, BoundSession) -> Void)
        case addressesBlocked(@Sendable (JID, Element) async -> Void)
        case sessionPart(SessionPart)
        case isCopied(@Sendable (Stanza, DateTime, Account) -> Bool)
        case chore(Chore)
        case stopping(@Sendable (LoopContext) -> Void)
        case inline(InlineFeature)
        case boundReport(@Sendable (Account) async -> ByteBuffer?)
        case restart(RestartPart)
    }

    package let kind: Kind

    // MARK: Service discovery

    /// Lists namespaces in the answers of service discovery (XEP-0030 §3.1).
    package static func advertise(_ namespaces: Namespace..., on asked: Asked) -> [Registration] {
        namespaces.map { Registration(kind: .advertise($0.description, on: asked, where: nil)) }
    }

    /// Lists features whose names are made, and not written out.
    /// - Parameter condition: which domains have them; nil for all.
    package static func advertise(
        _ features: [String], on asked: Asked, where condition: DomainCondition? = nil
    ) -> [Registration] {
        features.map { Registration(kind: .advertise($0, on: asked, where: condition)) }
    }

    /// Adds an identity to the answers of service discovery.
    package static func identity(category: String, type: String, name: String? = nil, on asked: Asked) -> [Registration] {
        [Registration(kind: .identity(category: category, type: type, name: name, on: asked))]
    }

    /// Adds a form to the server's answer to service discovery (XEP-0128).
    package static func information(_ form: DataForm) -> [Registration] { [Registration(kind: .information(form))] }

    /// Answers service discovery on nodes (XEP-0030 §3.2); what returns nil leaves the node to others.
    package static func node(on asked: Asked, _ node: @escaping DiscoveryNode) -> [Registration] {
        [Registration(kind: .node(node, on: asked))]
    }

    /// Answers service discovery on nodes, and tells items, from what has to be read first.
    package static func discovery(on asked: Asked, _ source: DiscoverySource) -> [Registration] {
        [Registration(kind: .discovery(source, on: asked))]
    }

    // MARK: Requests

    /// Answers requests. Handling a namespace advertises it, unless `isAdvertised` is false.
    /// - Parameters:
    ///   - type: `.get` or `.set`.
    ///   - condition: the domains where it is advertised; on all of them without one. It holds from the start to the end.
    package static func iq(
        _ type: StanzaType, _ name: StaticString, in namespace: Namespace, on asked: Asked, isAdvertised: Bool = true,
        where condition: DomainCondition? = nil, _ handler: IQHandler
    ) -> [Registration] {
        var result = [
            Registration(kind: .iq(IQKey(type: type, name: name, namespace: namespace, asked: asked), handler))
        ]
        if isAdvertised {
            result.append(Registration(kind: .advertise(namespace.description, on: asked, where: condition)))
        }
        return result
    }

    // MARK: Stanzas on their way

    package static func message(_ direction: Direction, _ phase: Phase, _ hook: @escaping StanzaHook) -> [Registration] {
        [Registration(kind: .hook(.message, direction, phase, Hook(see: hook)))]
    }

    package static func presence(_ direction: Direction, _ phase: Phase, _ hook: @escaping StanzaHook) -> [Registration] {
        [Registration(kind: .hook(.presence, direction, phase, Hook(see: hook)))]
    }

    package static func anyIQ(_ direction: Direction, _ phase: Phase, _ hook: @escaping StanzaHook) -> [Registration] {
        [Registration(kind: .hook(.iq, direction, phase, Hook(see: hook)))]
    }

    // MARK: Streams, sessions, accounts

    /// Something to be negotiated, or only announced, before or after log-in.
    package static func stream(_ feature: any StreamFeature) -> [Registration] { [Registration(kind: .stream(feature))] }

    /// Fills slots when an account is brought into memory; runs on a thread of the database.
    package static func loading(
        _ load: @escaping @Sendable (JID, Transaction, inout AccountState) throws -> Void
    ) -> [Registration] {
        [Registration(kind: .loader(AccountLoader(load: load)))]
    }

    /// Keeps an element of private storage (XEP-0049) in a place of its own.
    package static func privateElement(_ element: PrivateElement) -> [Registration] {
        [Registration(kind: .privateElement(element))]
    }

    /// An account has stored its vCard (XEP-0054). What is done then is waited for before the account is answered.
    package static func vCardChanged(
        _ body: @escaping @Sendable (_ account: Account, _ vCard: Element) async -> Void
    ) -> [Registration] {
        [Registration(kind: .vCardChanged(body))]
    }

    /// The capabilities of a resource have become known, or have changed. Runs on an event loop.
    package static func capabilitiesKnown(
        _ body: @escaping @Sendable (KnownCapabilities, LoopContext) -> Void
    ) -> [Registration] {
        [Registration(kind: .capabilitiesKnown(body))]
    }

    /// A contact has been added, changed or removed in the roster of an account that is in memory. Runs on an event loop.
    package static func rosterChanged(
        _ body: @escaping @Sendable (_ account: Account, _ contact: JID, LoopContext) -> Void
    ) -> [Registration] {
        [Registration(kind: .rosterChanged(body))]
    }

    /// A resource was bound. Runs on the session's event loop.
    package static func sessionBound(_ body: @escaping @Sendable (Session) -> Void) -> [Registration] {
        [Registration(kind: .sessionBound(body))]
    }

    /// Something that a client may ask for with its new session (XEP-0386 §3.2).
    /// - Parameters:
    ///   - name: under which it is offered.
    ///   - enable: looks for the client's wish in its `<bind/>` and follows it, before anything is sent to the session; it
    ///     writes the answer. Runs on the session's event loop.
    package static func inline(
        _ name: Namespace, _ enable: @escaping @Sendable (Element, Session, inout XMLWriter) -> Void
    ) -> [Registration] {
        [Registration(kind: .inline(InlineFeature(name: name, enable: enable)))]
    }

    /// Something is read or done for a client that has got a new session with its log-in, before it is told so; what is
    /// returned is told, too (XEP-0386 §3.2).
    package static func boundReport(_ body: @escaping @Sendable (Account) async -> ByteBuffer?) -> [Registration] {
        [Registration(kind: .boundReport(body))]
    }

    /// A session has sent initial presence (RFC 6121 §4.2), which has been broadcast. Runs on its event loop.
    package static func becameAvailable(_ body: @escaping @Sendable (Session) -> Void) -> [Registration] {
        [Registration(kind: .becameAvailable(body))]
    }

    /// A session has broadcast available presence, initial or changed. Runs on its event loop.
    package static func presenceBroadcast(_ body: @escaping @Sendable (Session) -> Void) -> [Registration] {
        [Registration(kind: .presenceBroadcast(body))]
    }

    /// A session has sent unavailable presence, which is handed on (RFC 6121 §4.5). Runs on its event loop.
    package static func becameUnavailable(_ body: @escaping @Sendable (Session, Stanza) -> Void) -> [Registration] {
        [Registration(kind: .becameUnavailable(body))]
    }

    /// Whether other sessions of an account have received copies of a message that was sent to one of them at a time.
    package static func isCopied(_ body: @escaping @Sendable (Stanza, DateTime, Account) -> Bool) -> [Registration] {
        [Registration(kind: .isCopied(body))]
    }

    /// A session has lost its client, or has ended, before the client has acknowledged all that it was sent
    /// (`Session.unacknowledgedStanzas`). Runs on the session's event loop.
    package static func sessionLost(_ body: @escaping @Sendable (Session, BoundSession) -> Void) -> [Registration] {
        [Registration(kind: .sessionLost(body))]
    }

    /// An account has blocked addresses (XEP-0191), as the request says that is handed on. What is done then is waited
    /// for before the account is answered.
    package static func addressesBlocked(
        _ body: @escaping @Sendable (_ account: JID, _ request: Element) async -> Void
    ) -> [Registration] {
        [Registration(kind: .addressesBlocked(body))]
    }

    /// What is kept of a session while the server is restarted (XEP-0198 §5).
    package static func sessionPart(
        _ name: String, save: @escaping @Sendable (Session) -> [UInt8]?,
        restore: @escaping @Sendable (Session, [UInt8]) -> Void
    ) -> [Registration] {
        [Registration(kind: .sessionPart(SessionPart(name: name, save: save, restore: restore)))]
    }

    /// Work that is done from time to time, for the first time when the server has started. Runs on no event loop.
    package static func chore(every interval: Duration, _ body: @escaping @Sendable () async -> Void) -> [Registration] {
        [Registration(kind: .chore(Chore(interval: interval, body: body)))]
    }

    /// The server is about to end all streams. Runs on every event loop.
    package static func stopping(_ body: @escaping @Sendable (LoopContext) -> Void) -> [Registration] {
        [Registration(kind: .stopping(body))]
    }

    /// Carries what sessions are part of over a restart of the server (XEP-0198 §5).
    /// - Parameters:
    ///   - save: runs when nothing comes from clients any more, before the sessions are saved.
    ///   - restore: runs when the sessions are back, before clients can come.
    package static func restart(
        save: @escaping @Sendable () async -> Void, restore: @escaping @Sendable () async -> Void
    ) -> [Registration] {
        [Registration(kind: .restart(RestartPart(save: save, restore: restore)))]
    }

    /// A message of a session is refused with the error that is handed on. Runs on the session's event loop.
    package static func messageRefused(_ body: @escaping @Sendable (Session, Stanza) -> Void) -> [Registration] {
        [Registration(kind: .messageRefused(body))]
    }

    /// A session has ended, with or without unavailable presence; it is no longer among its account's sessions.
    /// What the account knew of it last is handed on. Runs on the session's event loop.
    package static func sessionEnded(_ body: @escaping @Sendable (Session, BoundSession) -> Void) -> [Registration] {
        [Registration(kind: .sessionEnded(body))]
    }
}

/// What a client may ask for with its new session (XEP-0386 §3.2).
package struct InlineFeature: Sendable {
    let name: Namespace
    let enable: @Sendable (Element, Session, inout XMLWriter) -> Void
}

/// What a feature keeps of a session in other places than the session, for restarts of the server.
package struct SessionPart: Sendable {
    /// Never changed once released.
    let name: String
    /// Nil if there is nothing to be kept. Runs on the session's event loop.
    let save: @Sendable (Session) -> [UInt8]?
    /// Takes up what was saved. Runs on the session's event loop.
    let restore: @Sendable (Session, [UInt8]) -> Void
}

/// What a feature keeps over a restart of the server that belongs to no single session.
package struct RestartPart: Sendable {
    let save: @Sendable () async -> Void
    let restore: @Sendable () async -> Void
}

/// Chooses domains.
package typealias DomainCondition = @Sendable (Domain) -> Bool

/// What a node of the server or of an account is and can do; nil for a name that is not known.
package typealias DiscoveryNode = @Sendable (String, IQRequest) -> Registry.Discovery?

/// Tells of nodes that are kept in storage (XEP-0030 §3.2, §4.2).
package struct DiscoverySource: Sendable {
    /// What a node is; nil for one that the source does not know.
    package let info: @Sendable (String, IQRequest) async throws(StanzaError) -> Registry.Discovery?
    /// The items of a node or, for nil, of the entity itself; nil for a node that the source does not know.
    package let items: @Sendable (String?, IQRequest) async throws(StanzaError) -> [DiscoveryItem]?

    package init(
        info: @escaping @Sendable (String, IQRequest) async throws(StanzaError) -> Registry.Discovery?,
        items: @escaping @Sendable (String?, IQRequest) async throws(StanzaError) -> [DiscoveryItem]?
    ) {
        self.info = info
        self.items = items
    }
}

/// An element of private storage that a feature keeps (XEP-0049).
package struct PrivateElement: Sendable {
    package let name: StaticString
    package let namespace: Namespace
    /// The element as it is now; nil if there is nothing.
    package let get: @Sendable (Account) async throws(StanzaError) -> ByteBuffer?
    package let set: @Sendable (Element, Account) async throws(StanzaError) -> Void

    package init(
        _ name: StaticString, in namespace: Namespace,
        get: @escaping @Sendable (Account) async throws(StanzaError) -> ByteBuffer?,
        set: @escaping @Sendable (Element, Account) async throws(StanzaError) -> Void
    ) {
        self.name = name
        self.namespace = namespace
        self.get = get
        self.set = set
    }
}

/// An item in an answer of service discovery (XEP-0030 §4.1).
package struct DiscoveryItem: Sendable {
    package let jid: JID
    package let node: String?
    package let name: String?

    package init(_ jid: JID, node: String? = nil, name: String? = nil) {
        self.jid = jid
        self.node = node
        self.name = name
    }
}

/// Reads what a feature keeps of an account.
package struct AccountLoader: Sendable {
    let load: @Sendable (JID, Transaction, inout AccountState) throws -> Void
}

/// What tells one request from another.
package struct IQKey: Sendable, Hashable, CustomStringConvertible {
    let type: StanzaType
    let name: Namespace
    let namespace: Namespace
    let asked: Asked

    init(type: StanzaType, name: StaticString, namespace: Namespace, asked: Asked) {
        self.type = type
        self.name = Namespace(name)
        self.namespace = namespace
        self.asked = asked
    }

    package var description: String { "\(type) <\(name) xmlns='\(namespace)'/> on \(asked)" }
}
