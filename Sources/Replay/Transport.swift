package import NIOCore

/// Opens connections to the server that transcripts are played against.
package protocol Transport: Sendable {
    /// Opens a connection, unencrypted.
    func connect(to destination: Destination) async throws -> any Connection
    /// Lets time pass by the server's clock, and returns when the server has done what was due by then.
    /// Throws if the server's clock cannot be set.
    func pass(_ time: Duration) async throws
}

extension Transport {
    package func pass(_ time: Duration) async throws {
        throw StepFailure("  the clock of this server cannot be set: such a transcript is played in memory only")
    }
}

/// Which of the server's listeners is wanted.
package struct Destination: Sendable, Hashable {
    package enum Listener: Sendable, Hashable {
        case client
        /// TLS from the first byte (XEP-0368).
        case clientTLS
        case component
    }

    package var listener: Listener
    /// Where the transcript says to connect to, if it does.
    package var host: String?
    package var port: Int?

    package init(listener: Listener, host: String? = nil, port: Int? = nil) {
        self.listener = listener
        self.host = host
        self.port = port
    }
}

extension Destination {
    /// Where a role connects to.
    init(of role: Transcript.Role) {
        let listener: Listener =
            switch role.kind {
            case .component: .component
            case .client: role.encryption == .direct ? .clientTLS : .client
            }
        self.init(listener: listener, host: role.host, port: role.port)
    }
}

/// One connection: bytes in and bytes out.
package protocol Connection: Sendable {
    /// What was received.
    var received: Mailbox { get }
    /// Whether `startTLS` can be called.
    var canStartTLS: Bool { get }
    /// Sends bytes. Throws if the connection has ended.
    func send(_ bytes: ByteBuffer) async throws
    /// Makes the TLS handshake as its client, offering `xmpp-client` (ALPN); whatever certificate is accepted.
    func startTLS(serverName: String) async throws
    /// The data of a channel binding type such as `tls-exporter`; nil if there is none.
    func channelBinding(_ type: String) async throws -> [UInt8]?
    /// Ends the connection at once.
    func close() async
}
