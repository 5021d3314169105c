import Foundation
import NIOCore
import Replay
import TLS
import XMPP

/// A client that speaks SASL2 by hand inside TLS, and counts how often it waits for the server.
final class InlineClient {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let device = "d4565fa7-4d72-4749-b3d3-740edbf87770"

    private let connection: any Connection
    let domain: String
    private var received = ""
    /// Round trips since the TLS handshake.
    private(set) var turns = 0

    /// Connects and makes the TLS handshake.
    init(_ stage: Stage) async throws {
        domain = stage.domain
        connection = try await stage.transport.connect(to: Destination(listener: .clientTLS))
        try await connection.startTLS(serverName: domain)
    }

    static func header(_ user: String, _ domain: String) -> String {
        "<?xml version='1.0'?><stream:stream from='\(user)@\(domain)' to='\(domain)' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    }

    func send(_ text: String) async throws { try await connection.send(ByteBuffer(string: text)) }

    func send(_ bytes: [UInt8]) async throws { try await connection.send(ByteBuffer(bytes: bytes)) }

    /// Waits for one of some texts and returns what was received up to its end.
    func read(until marks: String...) async throws -> String {
        turns += 1
        while true {
            let ends = marks.compactMap { received.range(of: $0)?.upperBound }
            if let end = ends.min() {
                defer { received = String(received[end...]) }
                return String(received[..<end])
            }
            switch await connection.received.take(within: .seconds(20)) {
            case .bytes(let bytes): received += String(buffer: bytes)
            case .end: throw Failure(description: "the connection has ended after \(received)")
            case .nothingInTime: throw Failure(description: "nothing more after \(received)")
            }
        }
    }

    /// Whatever arrives until the server has said something or ended the connection.
    func readSomething() async -> Bool {
        if case .nothingInTime = await connection.received.take(within: .seconds(20)) { return false }
        return true
    }

    func openStream(_ user: String) async throws {
        try await send(Self.header(user, domain))
        _ = try await read(until: "</stream:features>")
    }

    func close() async { await connection.close() }

    // MARK: Authenticating

    static func authenticate(_ mechanism: String, _ response: [UInt8], _ content: String) -> String {
        "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='\(mechanism)'><initial-response>\(Data(response).base64EncodedString())</initial-response><user-agent id='\(device)'/>\(content)</authenticate>"
    }

    /// The client's message with a password.
    static func plain(_ user: String, _ password: String) -> [UInt8] { Array("\0\(user)\0\(password)".utf8) }

    /// The client's message with a token for tls-exporter.
    func hashed(_ user: String, token: String) async throws -> [UInt8] {
        let binding = try await connection.channelBinding("tls-exporter") ?? []
        let proof = Hash.sha256.hmac(key: Array(token.utf8), HashedTokenMessage.initiator(binding))
        return HashedTokenMessage(username: user, proof: proof).bytes
    }
}

extension String {
    /// The value of the first attribute of that name behind a text.
    func value(of attribute: String, behind text: String) -> String? {
        guard let start = range(of: text)?.upperBound, let name = self[start...].range(of: " \(attribute)='")?.upperBound,
            let end = self[name...].firstIndex(of: "'")
        else { return nil }
        return String(self[name..<end])
    }

    /// The text of the first element of that name.
    func text(of element: String) -> String? {
        guard let start = range(of: "<\(element)>")?.upperBound, let end = range(of: "</\(element)>")?.lowerBound else {
            return nil
        }
        return String(self[start..<end])
    }
}
