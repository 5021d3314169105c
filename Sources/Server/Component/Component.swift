internal import FoundationEssentials
internal import Synchronization
internal import TLS
package import XMPP

/// An external component (XEP-0114): a domain whose stanzas a program of its own sends and receives.
///
/// Used from every event loop.
package final class Component: Sendable {
    /// The domain that it answers for.
    package let jid: JID
    private let secondConnection: ComponentSection.SecondConnection
    private let secret: [UInt8]
    private let state = Mutex(State())

    private struct State {
        var connection: SessionHandle?
        /// Whether the component does not take what it is sent as fast as it is sent.
        var isCongested = false
        /// Senders that are not read from meanwhile; each only once, for it sends no more.
        var waiting: [@Sendable () -> Void] = []
    }

    /// - Throws: a line for the administrator.
    init(_ section: ComponentSection) throws {
        jid = try JID(section.name)
        secondConnection = section.secondConnection
        switch section.secret {
        case .text(let text):
            secret = Array(text.utf8)
        case .file(let path):
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw ListenerError(description: "the secret of component \(section.name) cannot be read from \(path)")
            }
            // Editors end files with a line feed.
            let end = bytes.lastIndex { $0 != 0x0A && $0 != 0x0D }
            secret = end.map { Array(bytes[...$0]) } ?? []
        }
        guard !secret.isEmpty else {
            throw ListenerError(description: "the secret of component \(section.name) is empty")
        }
    }

    /// Whether somebody knows the secret.
    /// - Parameter handshake: SHA-1 of the stream's id and the secret, in lowercase hexadecimal digits (§3).
    func isProven(by handshake: String, streamID: String) -> Bool {
        let digits = Array("0123456789abcdef".utf8)
        let digest = Hash.sha1.digest(Array(streamID.utf8) + secret)
        return constantTimeEqual(Array(handshake.utf8), digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    // MARK: Connection

    /// What becomes of a new connection.
    enum Connecting {
        case connected
        case refused
        /// The other one is to be ended first.
        case replaces(SessionHandle)
    }

    func connect(_ handle: SessionHandle) -> Connecting {
        state.withLock { state in
            switch (state.connection, secondConnection) {
            case (nil, _):
                state.connection = handle
                return .connected
            case (_?, .refuse): return .refused
            case (let other?, .replace): return .replaces(other)
            }
        }
    }

    func disconnect(_ handle: SessionHandle) {
        let waiting = state.withLock { state in
            guard state.connection == handle else { return [@Sendable () -> Void]() }
            defer { state = State() }
            return state.waiting
        }
        for resume in waiting { resume() }
    }

    // MARK: Sending to the component

    /// Hands a stanza to the component.
    /// - Throws: `remote-server-timeout` if the component is not connected.
    func receive(_ stanza: Stanza, on loop: LoopContext, _ session: Session?) throws(StanzaError) {
        let (connection, isCongested) = state.withLock { ($0.connection, $0.isCongested) }
        guard let connection else {
            // RFC 6120 §8.3.3.16: known, "but communications could not be established".
            guard stanza.kind == .presence, stanza.type == .unavailable else { throw StanzaError(.remoteServerTimeout) }
            return
        }
        loop.send(stanza, to: connection)
        guard isCongested, let resume = session?.pause() ?? loop.speaker?.pause() else { return }
        let isOver = state.withLock { state in
            guard state.isCongested else { return true }
            state.waiting.append(resume)
            return false
        }
        if isOver { resume() }
    }

    /// More is sent than the component takes: senders wait.
    func congest(_ handle: SessionHandle) {
        state.withLock { state in
            if state.connection == handle { state.isCongested = true }
        }
    }

    func relieve(_ handle: SessionHandle) {
        let waiting = state.withLock { state in
            guard state.connection == handle else { return [@Sendable () -> Void]() }
            defer { state.waiting = [] }
            state.isCongested = false
            return state.waiting
        }
        for resume in waiting { resume() }
    }
}

extension Component {
    /// The components of a configuration by their addresses.
    /// - Throws: a line for the administrator.
    static func all(_ configuration: Configuration) throws -> [JID: Component] {
        let components = try configuration.components.map { try Component($0) }
        return Dictionary(components.map { ($0.jid, $0) }, uniquingKeysWith: { first, _ in first })
    }
}
