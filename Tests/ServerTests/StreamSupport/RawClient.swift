import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A client that sends exactly the bytes it is told to, and waits for bytes.
final class RawClient: Sendable {
    enum Failure: Error {
        /// The server has ended the connection; what it had sent by then.
        case closed(String)
        case timeout(String)
    }

    static let header =
        "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    /// What a server's side of a stream ends with.
    static let end = "</stream:stream>"

    private struct State {
        var received: [UInt8] = []
        var isClosed = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let channel: any Channel
    private let state: Shared

    private final class Shared: Sendable {
        let value = Mutex(State())

        func change(_ body: (inout State) -> Void) {
            let waiter = value.withLock { state in
                body(&state)
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let shared: Shared
        init(_ shared: Shared) { self.shared = shared }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            shared.change { $0.received += bytes.readableBytesView }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event as? ChannelEvent == .inputClosed { shared.change { $0.isClosed = true } }
        }

        func channelInactive(context: ChannelHandlerContext) { shared.change { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private init(_ channel: any Channel, _ state: Shared) {
        self.channel = channel
        self.state = state
    }

    static func connect(port: Int) async throws -> RawClient {
        let shared = Shared()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(shared))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel, shared)
    }

    // MARK: Sending

    func send(_ text: String) { send(Array(text.utf8)) }
    func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    /// The future is done when the system has taken the bytes.
    func sending(_ bytes: ByteBuffer) -> EventLoopFuture<Void> { channel.writeAndFlush(bytes) }

    /// Ends the connection.
    func close() async { try? await channel.close() }

    /// Ends the sending side of the connection only.
    func closeOutput() async { try? await channel.close(mode: .output) }

    /// From now on nothing that the server sends is taken.
    func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

    func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    // MARK: Receiving

    /// Waits for a text and returns what was received up to its end.
    @discardableResult
    func read(until text: String) async throws -> String {
        let mark = Array(text.utf8)
        return try await wait { state in
            guard let range = state.received.firstRange(of: mark) else { return nil }
            defer { state.received.removeFirst(range.upperBound) }
            return String(decoding: state.received[..<range.upperBound], as: UTF8.self)
        }
    }

    /// Waits for the end of the connection and returns what was received before.
    func readToEnd() async throws -> String {
        try await wait { $0.isClosed ? String(decoding: $0.received, as: UTF8.self) : nil }
    }

    private func wait(_ find: (inout State) -> String?) async throws -> String {
        let deadline = ContinuousClock.now + .seconds(40)
        while true {
            let (found, isClosed, received) = state.value.withLock { state in
                (find(&state), state.isClosed, String(decoding: state.received.suffix(2_000), as: UTF8.self))
            }
            if let found { return found }
            if isClosed { throw Failure.closed(received) }
            guard ContinuousClock.now < deadline else { throw Failure.timeout(received) }
            let guardian = channel.eventLoop.scheduleTask(in: .seconds(41)) { [state] in state.change { _ in } }
            await withCheckedContinuation { continuation in
                let isNews = state.value.withLock { state in
                    guard state.isClosed == isClosed,
                        String(decoding: state.received.suffix(2_000), as: UTF8.self) == received
                    else { return true }
                    state.waiter = continuation
                    return false
                }
                if isNews { continuation.resume() }
            }
            guardian.cancel()
        }
    }

    // MARK: Logging in

    /// Opens the stream and proves who it is, so that the stream is to be opened again.
    func authenticate(_ name: String, _ password: String) async throws {
        send(Self.header)
        try await read(until: "</stream:features>")
        send(Self.plain(name, password))
        try await read(until: "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
    }

    static func plain(_ name: String, _ password: String) -> String {
        let message = Data("\0\(name)\0\(password)".utf8).base64EncodedString()
        return "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\(message)</auth>"
    }

    /// Opens the authenticated stream and binds a resource.
    /// - Returns: the full JID.
    @discardableResult
    func bind(_ resource: String?, header: String = RawClient.header) async throws -> String {
        send(header)
        try await read(until: "</stream:features>")
        let wish = resource.map { "<resource>\($0)</resource>" } ?? ""
        send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\(wish)</bind></iq>")
        try await read(until: "<jid>")
        let jid = try await read(until: "</jid>").dropLast("</jid>".count)
        try await read(until: "</iq>")
        return String(jid)
    }

    /// Asks the server for a sign of life and waits for it.
    func ping() async throws {
        let id = "ping-\(UInt32.random(in: 0...UInt32.max))"
        send("<iq type='get' id='\(id)' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
        try await read(until: " id='\(id)'")
    }
}

/// Something that has happened, told to another thread.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}
