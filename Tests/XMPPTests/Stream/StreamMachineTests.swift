import NIOCore
import Testing

@testable import XMPP

@Suite struct StreamMachineTests {
    static let rules = [
        StreamFeatureRule(excludes: [.encrypted, .authenticated], elements: [("starttls", "urn:tls")]),
        StreamFeatureRule(
            requires: .secure, excludes: .authenticated, elements: [("auth", "urn:sasl"), ("abort", "urn:sasl")]),
        StreamFeatureRule(requires: [.authenticated, .secure], excludes: .bound, elements: [("iq", .client)]),
        StreamFeatureRule(),
    ]
    static let domain = try! JID("example.com")
    static let other = try! JID("example.net")

    static func served(_ name: String?) -> JID? {
        switch name {
        case nil, "example.com": domain
        case "example.net": other
        default: nil
        }
    }

    static func header(
        _ attributes: String = "to='example.com' version='1.0'", content: String = " xmlns='jabber:client'"
    ) throws -> StreamHeader {
        try StreamHeader(
            parsing: ByteBuffer(
                string: "<stream:stream \(attributes)\(content) xmlns:stream='http://etherx.jabber.org/streams'>"))
    }

    static func element(_ text: String, root: StanzaParser.Root = .init()) throws -> Element {
        try StanzaParser(root: root).parse(ByteBuffer(string: text))
    }

    static func open(_ facts: StreamFacts = []) throws -> StreamMachine {
        var machine = StreamMachine(facts: facts, rules: StreamRules(rules))
        let result = machine.headerReceived(try header(), domainNamed: served)
        #expect(result == .open(domain: domain))
        return machine
    }

    // MARK: Components

    /// XEP-0114: no version, a namespace and a handshake of their own, and stanzas once it was right.
    @Test func componentStream() throws {
        let rules = [StreamFeatureRule(requires: .secure, excludes: .authenticated, elements: [("handshake", .client)])]
        var machine = StreamMachine(content: .component, facts: .secure, rules: StreamRules(rules))
        let header = try Self.header("to='example.com'", content: " xmlns='jabber:component:accept'")
        let result = machine.headerReceived(header, domainNamed: Self.served)
        #expect(result == .open(domain: Self.domain))
        #expect(machine.elementReceived(try Self.element("<message/>")) == .fail(StreamError(.notAuthorized)))
        #expect(machine.elementReceived(try Self.element("<handshake>x</handshake>")) == .negotiate(rule: 0))
        machine.negotiated([.authenticated, .bound], restarts: false)
        #expect(machine.elementReceived(try Self.element("<message/>")) == .stanza(.message))
        #expect(machine.elementReceived(try Self.element("<handshake/>")) == .fail(StreamError(.unsupportedStanzaType)))
    }

    @Test(arguments: [" xmlns='jabber:client'", " xmlns='jabber:server'", " xmlns='jabber:component:connect'", ""])
    func componentStreamInAnotherNamespace(content: String) throws {
        var machine = StreamMachine(content: .component, facts: .secure, rules: StreamRules([]))
        let header = try Self.header("to='example.com'", content: content)
        let result = machine.headerReceived(header, domainNamed: Self.served)
        guard case .fail(let error) = result else {
            Issue.record("it was opened")
            return
        }
        #expect(error.condition == .invalidNamespace)
    }

    // MARK: SASL2

    /// XEP-0388 §2.4
    @Test func duringAuthenticationNothingElseMayArrive() throws {
        let rules = Self.rules + [
            StreamFeatureRule(
                requires: .encrypted, excludes: .authenticated, elements: [("response", "urn:xmpp:sasl:2")],
                authenticates: true)
        ]
        var machine = StreamMachine(facts: [.encrypted, .secure], rules: StreamRules(rules))
        _ = machine.headerReceived(try Self.header(), domainNamed: Self.served)
        let response = try Self.element("<response xmlns='urn:xmpp:sasl:2'/>")
        #expect(machine.elementReceived(response) == .negotiate(rule: 4))
        try machine.blankReceived()
        machine.negotiated(.authenticating, restarts: false)
        #expect(machine.offers == [4])
        #expect(machine.elementReceived(response) == .negotiate(rule: 4))
        for text in ["<auth xmlns='urn:sasl'/>", "<iq/>", "<message/>", "<x xmlns='y'/>", "<starttls xmlns='urn:tls'/>"] {
            guard case .fail(let error) = machine.elementReceived(try Self.element(text)) else {
                return #expect(Bool(false), "\(text)")
            }
            #expect(error.condition == .policyViolation)
        }
        #expect(throws: StreamError.self) { try machine.blankReceived() }
        machine.lost(.authenticating)
        #expect(machine.elementReceived(try Self.element("<auth xmlns='urn:sasl'/>")) == .negotiate(rule: 1))
        machine.negotiated(.authenticated, restarts: false)
        #expect(machine.elementReceived(response) == .fail(StreamError(.notAuthorized)))
    }

    // MARK: Headers

    @Test(
        arguments: [
            ("to='example.com' version='1.0'", nil), ("to='example.com' version='1.1'", nil),
            ("to='example.com' version='2.0'", nil),
            ("to='example.com' version='001.00'", nil), ("version='1.0'", nil),
            ("to='example.com'", .unsupportedVersion), ("to='example.com' version='0.9'", .unsupportedVersion),
            ("to='example.com' version=''", .unsupportedVersion), ("to='example.com' version='1'", .unsupportedVersion),
            ("to='example.com' version='x.y'", .unsupportedVersion),
            ("to='example.com' version='-1.0'", .unsupportedVersion),
            ("to='example.org' version='1.0'", .hostUnknown), ("to='' version='1.0'", .hostUnknown),
            ("to='juliet@example.com' version='1.0'", .hostUnknown),
        ] as [(String, StreamError.Condition?)])
    func headers(attributes: String, condition: StreamError.Condition?) throws {
        var machine = StreamMachine(rules: StreamRules(Self.rules))
        let result = machine.headerReceived(try Self.header(attributes), domainNamed: Self.served)
        if let condition {
            guard case .fail(let error) = result else { return #expect(Bool(false), "\(result)") }
            #expect(error.condition == condition)
        } else {
            #expect(result == .open(domain: Self.domain))
            #expect(machine.isOpen == true)
        }
    }

    @Test func noDomainNamedWhereThereAreSeveral() throws {
        var machine = StreamMachine(rules: StreamRules(Self.rules))
        let result = machine.headerReceived(try Self.header("version='1.0'")) { $0 == nil ? nil : Self.domain }
        guard case .fail(let error) = result else { return #expect(Bool(false)) }
        #expect(error.condition == .improperAddressing)
    }

    @Test(arguments: [
        (" xmlns='jabber:client'", true), (" xmlns='jabber:server'", false), (" xmlns='jabber:CLIENT'", false),
        (" xmlns='jabber:component:accept'", false),
        // §4.8.2: each stanza may declare its namespace itself.
        ("", true), (" xmlns=''", true), (" xmlns='http://etherx.jabber.org/streams'", true),
        (" xmlns='http://etherx.jabber.org/streams' xmlns:c='jabber:client'", true),
    ])
    func contentNamespaces(declarations: String, isAllowed: Bool) throws {
        var machine = StreamMachine(rules: StreamRules(Self.rules))
        let result = machine.headerReceived(try Self.header(content: declarations), domainNamed: Self.served)
        if isAllowed {
            #expect(result == .open(domain: Self.domain))
        } else if case .fail(let error) = result {
            #expect(error.condition == .invalidNamespace)
        } else {
            Issue.record("\(result)")
        }
    }

    /// §5.4.3.3: the receiver of a stream forgets what was said before TLS.
    @Test func whatWasSaidBeforeTLSIsForgotten() throws {
        var machine = try Self.open()
        machine.negotiated([.encrypted, .secure], restarts: true)
        #expect(machine.domain == nil)
        let result = machine.headerReceived(try Self.header("to='example.net' version='1.0'"), domainNamed: Self.served)
        #expect(result == .open(domain: Self.other))
    }

    @Test func restartsStayWithTheDomainOfTheAccount() throws {
        func restarted() throws -> StreamMachine {
            var machine = try Self.open([.encrypted, .secure])
            machine.negotiated(.authenticated, restarts: true)
            return machine
        }
        var machine = try restarted()
        #expect(machine.isOpen == false)
        var elsewhere = try restarted()
        guard
            case .fail(let error) = elsewhere.headerReceived(
                try Self.header("to='example.net' version='1.0'"), domainNamed: Self.served)
        else { return #expect(Bool(false)) }
        #expect(error.condition == .hostUnknown)
        let result = machine.headerReceived(try Self.header(), domainNamed: Self.served)
        #expect(result == .open(domain: Self.domain))
        #expect(machine.facts == [.encrypted, .secure, .authenticated])
    }

    @Test func secondHeader() throws {
        var machine = try Self.open()
        guard case .fail(let error) = machine.headerReceived(try Self.header(), domainNamed: Self.served) else {
            return #expect(Bool(false))
        }
        #expect(error.condition == .badFormat)
    }

    // MARK: Offers and elements

    @Test(
        arguments: [
            ([], [0, 3]), ([.secure], [0, 1, 3]), ([.encrypted, .secure], [1, 3]),
            ([.encrypted, .secure, .authenticated], [2, 3]),
            ([.secure, .authenticated], [2, 3]), ([.encrypted, .secure, .authenticated, .bound], [3]),
        ] as [(StreamFacts, [Int])])
    func offers(facts: StreamFacts, offers: [Int]) {
        #expect(StreamMachine(facts: facts, rules: StreamRules(Self.rules)).offers == offers)
    }

    enum Expected: Sendable {
        case negotiates(Int)
        case stanza(Stanza.Kind)
        case fails(StreamError.Condition)
        case peerFailed
    }

    static let early: StreamFacts = []
    static let secure: StreamFacts = [.encrypted, .secure]
    static let authenticated: StreamFacts = [.encrypted, .secure, .authenticated]
    static let bound: StreamFacts = [.encrypted, .secure, .authenticated, .bound]

    @Test(
        arguments: [
            (early, "<starttls xmlns='urn:tls'/>", .negotiates(0)),
            (early, "<auth xmlns='urn:sasl'/>", .fails(.notAuthorized)),
            (early, "<message/>", .fails(.notAuthorized)), (early, "<presence/>", .fails(.notAuthorized)),
            (early, "<iq/>", .fails(.notAuthorized)), (early, "<query/>", .fails(.unsupportedStanzaType)),
            (early, "<auth xmlns='urn:other'/>", .fails(.unsupportedStanzaType)),
            (early, "<stream:error/>", .peerFailed),
            (early, "<stream:features/>", .fails(.unsupportedStanzaType)),
            (early, "<error/>", .fails(.unsupportedStanzaType)),
            (secure, "<starttls xmlns='urn:tls'/>", .fails(.notAuthorized)),
            (secure, "<auth xmlns='urn:sasl'/>", .negotiates(1)),
            (secure, "<abort xmlns='urn:sasl'/>", .negotiates(1)), (secure, "<iq/>", .fails(.notAuthorized)),
            (authenticated, "<iq/>", .negotiates(2)), (authenticated, "<message/>", .fails(.notAuthorized)),
            (authenticated, "<auth xmlns='urn:sasl'/>", .fails(.notAuthorized)),
            (authenticated, "<stream:error/>", .peerFailed),
            (bound, "<message/>", .stanza(.message)), (bound, "<presence/>", .stanza(.presence)),
            (bound, "<iq/>", .stanza(.iq)),
            (bound, "<c:iq xmlns:c='jabber:client'/>", .fails(.badNamespacePrefix)),
            (bound, "<message xmlns:c='jabber:client'><c:body/></message>", .fails(.badNamespacePrefix)),
            (bound, "<message xmlns:c='jabber:client'><body><c:x/></body></message>", .fails(.badNamespacePrefix)),
            (
                bound, "<message><x xmlns='urn:x'><c:message xmlns:c='jabber:client'/></x></message>",
                .stanza(.message)
            ),
            (bound, "<message><c:x xmlns:c='urn:x'/></message>", .stanza(.message)),
            (bound, "<message xmlns='jabber:server'/>", .fails(.invalidNamespace)),
            (bound, "<message xmlns=''/>", .fails(.unsupportedStanzaType)),
            (bound, "<Message/>", .fails(.unsupportedStanzaType)),
            (bound, "<auth xmlns='urn:sasl'/>", .fails(.notAuthorized)),
            (bound, "<pubsub/>", .fails(.unsupportedStanzaType)),
            (bound, "<stream:error/>", .peerFailed),
        ] as [(StreamFacts, String, Expected)])
    func elements(facts: StreamFacts, text: String, expected: Expected) throws {
        let result = try Self.open(facts).elementReceived(try Self.element(text))
        switch (expected, result) {
        case (.negotiates(let one), .negotiate(let other)): #expect(one == other)
        case (.stanza(let one), .stanza(let other)): #expect(one == other)
        case (.fails(let condition), .fail(let error)): #expect(error.condition == condition)
        case (.peerFailed, .peerFailed): break
        default: Issue.record("\(result) instead of \(expected)")
        }
    }

    // MARK: Ends

    enum Phase: CaseIterable { case awaitingHeader, open, closing, closed, ended }

    static func machine(in phase: Phase) throws -> StreamMachine {
        var machine = try open(bound)
        switch phase {
        case .awaitingHeader: machine.negotiated([], restarts: true)
        case .open: break
        case .closing: _ = machine.endSent()
        case .closed: _ = machine.endReceived()
        case .ended:
            _ = machine.endSent()
            _ = machine.endReceived()
        }
        return machine
    }

    @Test(arguments: Phase.allCases) func ends(phase: Phase) throws {
        let isLive = phase == .open || phase == .awaitingHeader
        var machine = try Self.machine(in: phase)
        #expect(machine.isOpen == (phase == .open))
        #expect(machine.isClosing == !isLive)
        let sent = [machine.endSent(), machine.endSent()]
        #expect(sent == [isLive, false])
        machine = try Self.machine(in: phase)
        let received = [machine.endReceived(), machine.endReceived()]
        #expect(received == [isLive, false])
        #expect(machine.isClosing == true)
    }

    @Test(arguments: Phase.allCases) func elementsInEachState(phase: Phase) throws {
        let result = try Self.machine(in: phase).elementReceived(try Self.element("<message/>"))
        switch phase {
        case .open: #expect(result == .stanza(.message))
        case .awaitingHeader: #expect(result == .fail(StreamError(.badFormat)))
        case .closing, .closed, .ended: #expect(result == .ignore)
        }
    }

    @Test(arguments: Phase.allCases) func headersInEachState(phase: Phase) throws {
        var machine = try Self.machine(in: phase)
        let result = machine.headerReceived(try Self.header(), domainNamed: Self.served)
        #expect((result == .open(domain: Self.domain)) == (phase == .awaitingHeader))
    }

    @Test(arguments: Phase.allCases) func restartsInEachState(phase: Phase) throws {
        var machine = try Self.machine(in: phase)
        machine.negotiated(.secure, restarts: true)
        #expect(machine.isOpen == false)
        #expect(machine.isClosing == (phase != .open && phase != .awaitingHeader))
    }
}
