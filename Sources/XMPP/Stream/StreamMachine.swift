/// What has been reached on a stream; decides what may be negotiated and sent (RFC 6120 §4.3).
package struct StreamFacts: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Protected by TLS.
    package static let encrypted = Self(rawValue: 1 << 0)
    /// Protected as well as the listener demands: by TLS, or by being a loopback address.
    package static let secure = Self(rawValue: 1 << 1)
    package static let authenticated = Self(rawValue: 1 << 2)
    package static let bound = Self(rawValue: 1 << 3)
    /// A client is proving who it is with SASL2; nothing else may happen meanwhile (XEP-0388 §2.4).
    package static let authenticating = Self(rawValue: 1 << 4)

    /// How many sets of facts there are; the one above is the last.
    fileprivate static let combinations = 2 * Int(authenticating.rawValue)
}

/// When something may be negotiated, and which elements negotiate it: the pure part of a stream feature.
package struct StreamFeatureRule: Sendable {
    package let requires: StreamFacts
    package let excludes: StreamFacts
    /// The top-level elements that belong to the feature.
    package let elements: [(name: StaticString, namespace: Namespace)]
    /// Whether the elements are what may arrive while a client authenticates with SASL2; no others may.
    package let authenticates: Bool

    package init(
        requires: StreamFacts = [], excludes: StreamFacts = [],
        elements: [(name: StaticString, namespace: Namespace)] = [], authenticates: Bool = false
    ) {
        self.requires = requires
        self.excludes = excludes
        self.elements = elements
        self.authenticates = authenticates
    }

    package func applies(to facts: StreamFacts) -> Bool {
        facts.isSuperset(of: requires) && facts.isDisjoint(with: excludes)
            && (authenticates || !facts.contains(.authenticating))
    }
}

/// What may be negotiated on the streams of a listener, sorted by what has been reached.
package struct StreamRules: Sendable {
    fileprivate let rules: [StreamFeatureRule]
    /// Indices of the rules that apply, for each set of facts.
    fileprivate let offers: [[Int]]
    /// Those of them that some element can belong to: hardly any once a resource is bound.
    fileprivate let expected: [[Int]]

    package init(_ rules: [StreamFeatureRule]) {
        self.rules = rules
        offers = (0..<StreamFacts.combinations).map { facts in
            rules.indices.filter { rules[$0].applies(to: StreamFacts(rawValue: UInt8(facts))) }
        }
        expected = offers.map { offers in offers.filter { !rules[$0].elements.isEmpty } }
    }
}

/// The receiving side of a client's or a component's stream as a pure value (RFC 6120 §4, §7; RFC 6121 §3; XEP-0114).
///
///     awaitingHeader ──header──► open ──restart──► awaitingHeader
///            │                    │
///            └──────► closing ◄───┘ ──peer's end──► closed
///
/// It knows no feature: what may be negotiated is a list of rules, and what is reached is a set of facts.
package struct StreamMachine: ~Copyable, Sendable {
    private enum State {
        case awaitingHeader
        case open
        /// We have sent the end of our stream.
        case closing
        case closed
    }

    /// What to do with a stream's opening tag.
    package enum HeaderResult: Sendable, Equatable {
        /// Answer with a header from this domain, and list what may be negotiated.
        case open(domain: JID)
        /// Answer with a header all the same, then the error (§4.9.1.2).
        case fail(StreamError)
    }

    /// What to do with a top-level element.
    package enum ElementResult: Sendable, Equatable {
        /// It belongs to the rule at this index.
        case negotiate(rule: Int)
        case stanza(Stanza.Kind)
        /// The peer has closed its stream with an error (§4.9.1.1): end ours without one.
        case peerFailed
        /// Our stream is closed; nothing more is processed.
        case ignore
        case fail(StreamError)
    }

    private var state = State.awaitingHeader
    package private(set) var facts: StreamFacts
    /// The domain that the stream is with; stays the same once the client has authenticated.
    package private(set) var domain: JID?
    package let content: ContentNamespace
    private let rules: StreamRules
    /// Of `rules`, for the facts at hand.
    private var expected: [Int]

    package init(content: ContentNamespace = .client, facts: StreamFacts = [], rules: StreamRules) {
        self.content = content
        self.facts = facts
        self.rules = rules
        expected = rules.expected[Int(facts.rawValue)]
    }

    private mutating func expect() { expected = rules.expected[Int(facts.rawValue)] }

    package var isClosing: Bool { state == .closing || state == .closed }
    package var isOpen: Bool { state == .open }

    /// Indices of the rules that may be negotiated now.
    package var offers: [Int] { rules.offers[Int(facts.rawValue)] }

    /// The peer has opened its stream.
    /// - Parameter domainNamed: finds the served domain of an address; nil asks for the one that is meant
    ///   where the peer names none.
    package mutating func headerReceived(_ header: StreamHeader, domainNamed: (String?) -> JID?) -> HeaderResult {
        switch state {
        case .awaitingHeader: state = .open
        case .open, .closing, .closed: return .fail(StreamError(.badFormat, "a second opening tag"))
        }
        let name = header.defaultNamespace
        switch content {
        case .client:
            // §4.8.2, §4.9.3.10: the content namespace is the default one, or every stanza declares its own.
            guard name == Namespace.client || name == Namespace.streams || name.isEmpty else {
                return .fail(StreamError(.invalidNamespace, "expected the content namespace jabber:client"))
            }
            // §4.7.5 and §4.9.3.25: versions below 1.0 have no features, and so no way to log in here.
            guard let version = header.versionNumber, version.major >= 1 else {
                return .fail(StreamError(.unsupportedVersion))
            }
        case .component:
            guard name == Namespace.component else {
                return .fail(StreamError(.invalidNamespace, "expected the content namespace jabber:component:accept"))
            }
        }
        guard let domain = domainNamed(header.to) else {
            return .fail(
                header.to == nil
                    ? StreamError(.improperAddressing, "the stream names no domain in its 'to'") : StreamError(.hostUnknown))
        }
        // What the client has proved, it has proved to one domain.
        if let known = self.domain, known != domain { return .fail(StreamError(.hostUnknown)) }
        self.domain = domain
        return .open(domain: domain)
    }

    /// A top-level element is complete.
    package func elementReceived(_ element: Element) -> ElementResult {
        switch state {
        case .awaitingHeader: return .fail(StreamError(.badFormat))
        case .closing, .closed: return .ignore
        case .open: break
        }
        if element.isNamed("error", in: .streams) { return .peerFailed }
        // §4.8.5: no prefixes for the content namespace; what has some must not be delivered.
        if element.document.hasContentPrefix { return .fail(StreamError(.badNamespacePrefix)) }
        for index in expected
        where rules.rules[index].elements.contains(where: { element.isNamed($0.name, in: $0.namespace) }) {
            return .negotiate(rule: index)
        }
        // XEP-0388 §2.4: "Servers MUST disconnect Clients immediately if any other traffic is received."
        if facts.contains(.authenticating) { return .fail(Self.interrupted) }
        guard element.isIn(.client) else {
            // §4.8.3: a content namespace, but not that of clients.
            if element.isIn(.server) { return .fail(StreamError(.invalidNamespace)) }
            // §4.9.3.24; what could be negotiated at another time is not authorized now (§4.9.3.12).
            let isKnown = rules.rules.contains { rule in
                rule.elements.contains { element.isNamed($0.name, in: $0.namespace) }
            }
            return .fail(StreamError(isKnown ? .notAuthorized : .unsupportedStanzaType))
        }
        let kind: Stanza.Kind
        if element.isNamed("message") {
            kind = .message
        } else if element.isNamed("presence") {
            kind = .presence
        } else if element.isNamed("iq") {
            kind = .iq
        } else {
            return .fail(StreamError(.unsupportedStanzaType))
        }
        // §4.9.3.12, §7.1
        guard facts.contains(.bound) else { return .fail(StreamError(.notAuthorized)) }
        return .stanza(kind)
    }

    /// Something was negotiated.
    /// - Parameter restarts: whether the peer now opens a new stream (§4.3.3).
    package mutating func negotiated(_ reached: StreamFacts, restarts: Bool) {
        facts.formUnion(reached)
        expect()
        guard restarts else { return }
        if state == .open { state = .awaitingHeader }
        // §5.4.3.3: what was said before TLS may have been said by anybody.
        if !facts.contains(.authenticated) { domain = nil }
    }

    /// Something holds no longer.
    package mutating func lost(_ facts: StreamFacts) {
        self.facts.subtract(facts)
        expect()
    }

    /// White space has arrived between elements.
    package func blankReceived() throws(StreamError) {
        if facts.contains(.authenticating) { throw Self.interrupted }
    }

    private static let interrupted = StreamError(.policyViolation, "authentication is under way")

    /// The peer has closed its stream. Returns whether ours is still to be closed (§4.4).
    package mutating func endReceived() -> Bool {
        switch state {
        case .awaitingHeader, .open:
            state = .closed
            return true
        case .closing:
            state = .closed
            return false
        case .closed:
            return false
        }
    }

    /// We close our stream. Returns false if it is closed already.
    package mutating func endSent() -> Bool {
        switch state {
        case .awaitingHeader, .open:
            state = .closing
            return true
        case .closing, .closed:
            return false
        }
    }
}
