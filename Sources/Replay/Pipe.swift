package import NIOCore

/// A connection in memory: the other end is a pair of functions.
///
/// The server's side calls `deliver` and `end`, from any thread.
package final class Pipe: Connection {
    package let received = Mailbox()
    private let sent: @Sendable (ByteBuffer) async -> Void
    private let closed: @Sendable () async -> Void

    /// - Parameters:
    ///   - sent: called with what the client sends, in order.
    ///   - closed: called when the client ends the connection.
    package init(
        sent: @escaping @Sendable (ByteBuffer) async -> Void, closed: @escaping @Sendable () async -> Void
    ) {
        self.sent = sent
        self.closed = closed
    }

    /// Gives bytes from the server to the client.
    package func deliver(_ bytes: ByteBuffer) { received.put(bytes) }

    /// Tells the client that the server has ended the connection.
    package func end() { received.end() }

    package var canStartTLS: Bool { false }
    package func send(_ bytes: ByteBuffer) async throws { await sent(bytes) }
    package func startTLS(serverName: String) async throws { throw NoTLS() }
    package func channelBinding(_ type: String) async throws -> [UInt8]? { nil }

    package func close() async {
        await closed()
        received.end()
    }

    private struct NoTLS: Error, CustomStringConvertible {
        var description: String { "there is no TLS in memory" }
    }
}
