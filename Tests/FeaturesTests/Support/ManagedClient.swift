import NIOCore
import XMPP

/// Where clients log in.
protocol ClientEntrance: AnyObject {
    func connect(_ user: Int, _ resource: String, resuming: (id: String, h: UInt32)?) async throws -> TestClient
}

extension TestServer: ClientEntrance {}

/// A client with stream management (XEP-0198) that loses its connections and resumes its session on new ones. It keeps
/// what it has received once, in order, as the counts of both ends tell.
final class ManagedClient {
    private let server: any ClientEntrance
    private let user: Int
    private let resource: String
    private var client: TestClient
    /// The identifier of the session.
    private var id = ""
    /// How many stanzas had been received when the connection at hand began.
    private var receivedBefore: UInt32 = 0
    /// What was sent and not acknowledged by the server.
    private var unacknowledged: [String] = []
    /// How many of the stanzas sent the server has acknowledged.
    private var acknowledged: UInt32 = 0
    /// What the server has acknowledged when the session was resumed: what has come of it may still be on its way.
    private var accepted: [String] = []
    /// What the server has acknowledged, in all sessions; what was refused of it has come back before.
    private(set) var confirmed: [String] = []
    /// The bodies of messages, in the order in which they came.
    private(set) var bodies: [String] = []
    /// Is given each stanza once, in the order in which they came.
    var hears: (Element) -> Void = { _ in }
    /// Whether the connection is lost.
    private(set) var isAway = false
    var jid: JID { client.jid }

    init(_ server: any ClientEntrance, _ user: Int, _ resource: String) async throws {
        self.server = server
        self.user = user
        self.resource = resource
        client = try await server.connect(user, resource, resuming: nil)
        try await enable()
    }

    /// Begins a session that may be resumed.
    private func enable() async throws {
        client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        var enabled = try await client.next()
        // What is sent to the address is sent to the session before it is enabled, too.
        while enabled.isIn(.client) {
            hears(enabled)
            enabled = try await client.next()
        }
        guard enabled.isNamed("enabled"), let id = enabled["id"] else {
            throw TestClientError(description: "not enabled")
        }
        self.id = id
    }

    /// Gives the session up, and begins another one with the same resource.
    /// - Parameter forget: called between what belongs to the one session and what belongs to the other.
    func beginAnew(_ forget: () -> Void) async throws {
        if !isAway { await client.vanish() }
        read(answers: false)
        forget()
        reset()
        client = try await server.connect(user, resource, resuming: nil)
        try await enable()
    }

    private func reset() {
        (receivedBefore, acknowledged, unacknowledged, accepted, isAway) = (0, 0, [], [], false)
    }

    /// The server has ended the connection: takes in what it had sent until then.
    func readToEnd() async {
        await client.ended()
        read(answers: false)
    }

    /// Tries to resume the session, is told that it is no more (XEP-0198 §5), and begins another one.
    /// - Parameter forget: called between what belongs to the one session and what belongs to the other.
    func beginAfterFailure(_ forget: () -> Void) async throws {
        client = try await server.connect(user, resource, resuming: (id, receivedBefore))
        let failed = try await client.next()
        guard failed.isNamed("failed"), failed.child("item-not-found", in: .stanzaErrors) != nil else {
            throw TestClientError(description: "resumption has not failed as it should: \(failed.name)")
        }
        forget()
        reset()
        try await client.bind(resource)
        try await enable()
    }

    /// Loses the connection and does nothing about it.
    func lose() async {
        await client.vanish()
        isAway = true
    }

    func send(_ stanza: String) {
        unacknowledged.append(stanza)
        client.send(stanza)
    }

    /// Takes in what has come, and does what it asks for.
    /// - Parameter answers: whether to acknowledge it.
    /// - Returns: how many stanzas have come on the connection at hand.
    @discardableResult
    func read(answers: Bool) -> UInt32 {
        let (received, count) = client.takeCounted()
        for received in received {
            let element = received.element
            if element.isNamed("message"), let body = element.child("body")?.text { bodies.append(body) }
            if element.isNamed("a") {
                acknowledge(element)
                confirmed += accepted
                accepted = []
            }
            if element.isIn(.client) { hears(element) }
        }
        if answers { client.send("<a xmlns='urn:xmpp:sm:3' h='\(receivedBefore &+ count)'/>") }
        return count
    }

    /// Asks the server how much it has handled.
    func ask() { client.send("<r xmlns='urn:xmpp:sm:3'/>") }

    private func acknowledge(_ element: Element) {
        guard let h = element["h"].flatMap({ UInt32($0) }) else { return }
        let count = Int(h &- acknowledged)
        accepted += unacknowledged.prefix(count)
        unacknowledged.removeFirst(count)
        acknowledged = h
    }

    /// Resumes the session on another connection.
    /// - Parameter isHalfOpen: whether the server still believes in the one at hand.
    func reconnect(isHalfOpen: Bool) async throws {
        let old = client
        if !isHalfOpen { await old.vanish() }
        isAway = false
        // What arrives on the old connection from now on is lost.
        receivedBefore &+= read(answers: false)
        client = try await server.connect(user, resource, resuming: (id, receivedBefore))
        let resumed = try await client.next()
        guard resumed.isNamed("resumed"), resumed["previd"] == id else {
            throw TestClientError(description: "not resumed: \(resumed.name) \(resumed.firstChild?.name ?? "")")
        }
        acknowledge(resumed)
        for stanza in unacknowledged { client.send(stanza) }
        if isHalfOpen { await old.vanish() }
    }

    func ping() async {
        // Counted like every stanza, so it is to be sent again like every stanza.
        let id = "ping-\(UInt64.random(in: .min ... .max))"
        unacknowledged.append("<iq type='get' id='\(id)' to='\(jid.domain)'><ping xmlns='urn:xmpp:ping'/></iq>")
        await client.ping(id)
    }
}
