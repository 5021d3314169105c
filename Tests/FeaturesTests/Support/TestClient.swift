import Foundation
import NIOCore
import NIOPosix
import Synchronization
import XMPP

/// A client that says what a test tells it to, and keeps what it hears.
final class TestClient: Sendable {
    let jid: JID
    private let channel: any Channel
    private let inbox: Inbox

    var bare: JID { jid.bare }
    var isConnected: Bool { channel.isActive && !inbox.hasEnded }

    /// - Parameter resuming: the identifier of a session to be resumed instead of binding a resource, and how many of
    ///   its stanzas have arrived (XEP-0198 §5).
    init(
        user: String, password: String, resource: String, domain: String, port: Int,
        resuming: (id: String, h: UInt32)? = nil
    ) async throws {
        jid = try JID("\(user)@\(domain)/\(resource)")
        let inbox = Inbox()
        self.inbox = inbox
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(InboxHandler(inbox))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let header =
            "<stream:stream to='\(domain)' version='1.0' xmlns='jabber:client' xmlns:stream='\(Namespace.streams)'>"
        send(header)
        try await expect("features")
        let plain = Data("\0\(user)\0\(password)".utf8).base64EncodedString()
        send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\(plain)</auth>")
        try await expect("success")
        inbox.restart()
        send(header)
        try await expect("features")
        if let resuming {
            send("<resume xmlns='urn:xmpp:sm:3' previd='\(resuming.id)' h='\(resuming.h)'/>")
            return
        }
        try await bind(resource)
    }

    func bind(_ resource: String) async throws {
        send(
            "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>\(resource)</resource></bind></iq>")
        try await expect("iq")
    }

    /// The next element.
    func next() async throws -> Element { try await inbox.next() }

    /// What was received since it was last taken, and how many stanzas were since stream management was enabled or the
    /// session resumed.
    func takeCounted() -> (received: [Received], count: UInt32) {
        let (elements, count) = inbox.takeCounted()
        return (elements.map(Received.init), count)
    }

    private func expect(_ name: String) async throws {
        let element = try await inbox.next()
        guard element.name == name else { throw TestClientError(description: "expected \(name), got \(element.name)") }
    }

    func send(_ text: String) {
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    /// Waits until the server has read all that was sent, and what it had sent until then is here; or until the
    /// connection has ended.
    func ping(_ id: String = "ping-\(UUID().uuidString)") async {
        send("<iq type='get' id='\(id)' to='\(jid.domain)'><ping xmlns='urn:xmpp:ping'/></iq>")
        try? await inbox.answer(id)
    }

    /// What was received since it was last taken.
    func take() -> [Received] { inbox.take().map(Received.init) }

    /// Waits until the server has ended the connection.
    func ended() async { await inbox.end() }

    /// Closes the stream and waits for the end.
    func disconnect() async {
        guard channel.isActive else { return }
        send("</stream:stream>")
        await inbox.end()
        try? await channel.close()
    }

    /// Ends the connection without a word, as a lost one ends.
    func vanish() async {
        try? await channel.close()
        inbox.ended()
    }
}

struct TestClientError: Error, CustomStringConvertible {
    let description: String
}

/// A stanza that a client has received.
struct Received: CustomStringConvertible {
    let element: Element

    var kind: String { element.name }
    var type: String { element["type"] ?? "" }
    var from: String { element["from"] ?? "" }
    var to: String { element["to"] ?? "" }
    var id: String { element["id"] ?? "" }
    var isPush: Bool { kind == "iq" && type == "set" && query != nil }
    var query: Element? { element.child("query", in: "jabber:iq:roster") }
    /// The condition of an error.
    var condition: String { element.child("error")?.firstChild?.name ?? "" }

    /// The items of a roster result or push, as `jid subscription ask approved 'name' [groups]`, sorted.
    var items: [String] {
        guard let query else { return [] }
        return query.children.map { item in
            var words = [item["jid"] ?? "", item["subscription"] ?? "none"]
            if let ask = item["ask"] { words.append("ask=\(ask)") }
            if let approved = item["approved"] { words.append("approved=\(approved)") }
            if let name = item["name"] { words.append("'\(name)'") }
            let groups = item.children.map(\.text)
            if !groups.isEmpty { words.append("\(groups)") }
            return words.joined(separator: " ")
        }.sorted()
    }

    /// In short: `push …`, `presence FROM type show`, `message FROM TO type body`, `iq FROM type id`.
    var description: String {
        let words: [String]
        switch kind {
        case "presence": words = [kind, from, type, element.child("show")?.text ?? "", condition]
        case "message": words = [kind, from, to, type, element.child("body")?.text ?? "", condition]
        case _ where isPush: words = ["push"] + items
        default: words = [kind, from, type, id, condition]
        }
        return words.filter { !$0.isEmpty }.joined(separator: " ")
    }
}

/// Turns what a connection brings into elements. Filled on the channel's loop, emptied by the test.
private final class Inbox: Sendable {
    private struct State {
        var elements: [Element] = []
        var answers: Set<String> = []
        var hasEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
        var isRestarting = false
        var managedCount: UInt32 = 0
    }

    private let state = Mutex(State())

    var hasEnded: Bool { state.withLock(\.hasEnded) }

    /// The server's next bytes begin a new stream.
    func restart() { state.withLock { $0.isRestarting = true } }

    func takeRestart() -> Bool {
        state.withLock { state in
            defer { state.isRestarting = false }
            return state.isRestarting
        }
    }

    func received(_ element: Element) {
        wake { state in
            if element.isNamed("enabled") || element.isNamed("resumed") {
                state.managedCount = 0
            } else if element.isIn(.client) {
                state.managedCount += 1
            }
            if element.name == "iq", let id = element["id"], id.hasPrefix("ping-") {
                state.answers.insert(id)
            } else {
                state.elements.append(element)
            }
        }
    }

    func ended() { wake { $0.hasEnded = true } }

    private func wake(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func next() async throws -> Element {
        var element: Element?
        try await wait { state in
            if !state.elements.isEmpty { element = state.elements.removeFirst() }
            return element != nil
        }
        guard let element else { throw TestClientError(description: "nothing was received") }
        return element
    }

    func answer(_ id: String) async throws { try await wait { $0.answers.remove(id) != nil } }

    func end() async { try? await wait { _ in false } }

    func take() -> [Element] { takeCounted().elements }

    func takeCounted() -> (elements: [Element], count: UInt32) {
        state.withLock { state in
            defer { state.elements = [] }
            return (state.elements, state.managedCount)
        }
    }

    private func wait(until isDone: (inout State) -> Bool) async throws {
        while true {
            let (done, ended) = state.withLock { state in (isDone(&state), state.hasEnded) }
            if done { return }
            if ended { throw TestClientError(description: "the connection has ended") }
            await withCheckedContinuation { continuation in
                let isLate = state.withLock { state in
                    var probe = state
                    if isDone(&probe) || state.hasEnded { return true }
                    state.waiters.append(continuation)
                    return false
                }
                if isLate { continuation.resume() }
            }
        }
    }
}

private final class InboxHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let inbox: Inbox
    private var bytes = ByteBuffer()
    private var scanned = 0
    private var framer = StanzaFramer()
    private let parser = StanzaParser()

    init(_ inbox: Inbox) {
        self.inbox = inbox
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if inbox.takeRestart() { framer = StanzaFramer() }
        var received = unwrapInboundIn(data)
        bytes.writeBuffer(&received)
        while bytes.readableBytes > scanned {
            switch bytes.withUnsafeReadableBytes({ framer.scan($0, from: scanned) }) {
            case .incomplete: scanned = bytes.readableBytes
            case .blank(let end), .header(let end): _ = take(end)
            case .element(let end):
                if let element = try? parser.parse(take(end)) { inbox.received(element) }
            case .streamEnd, .refused:
                inbox.ended()
                return
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) { inbox.ended() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func take(_ count: Int) -> ByteBuffer {
        scanned = 0
        return bytes.readSlice(length: count) ?? ByteBuffer()
    }
}
