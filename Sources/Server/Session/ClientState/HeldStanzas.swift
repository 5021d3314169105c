internal import NIOCore
package import XMPP

/// What a stanza is worth to a client that nobody looks at (XEP-0352 §3.2).
package enum Importance: Sendable {
    case needed
    /// Only the latest of each sender matters.
    case presence(from: JID)
    /// Nothing but a chat state, which is over when somebody looks again.
    case chatState
}

/// What is held back from an inactive client: the latest presence of each sender, in the order in which they came.
struct HeldStanzas {
    enum Result {
        /// To be sent now, in this order.
        case send([ByteBuffer])
        case nothing
    }

    /// More senders than this, and all is sent.
    private static let limit = 1_000

    private var stanzas: [JID: (place: Int, stanza: ByteBuffer)] = [:]
    private var next = 0

    /// A stanza for the client.
    /// - Parameter sender: whose order is to be kept (RFC 6120 §10.1).
    mutating func receive(_ stanza: ByteBuffer, _ importance: Importance, from sender: JID?) -> Result {
        switch importance {
        case .chatState:
            return .nothing
        case .presence(let sender):
            stanzas[sender] = (next, stanza)
            next += 1
            return stanzas.count > Self.limit ? .send(takeAll()) : .nothing
        case .needed:
            guard let sender, let held = stanzas.removeValue(forKey: sender) else { return .send([stanza]) }
            return .send([held.stanza, stanza])
        }
    }

    /// All that is held, in order.
    mutating func takeAll() -> [ByteBuffer] {
        defer { stanzas = [:] }
        return stanzas.values.sorted { $0.place < $1.place }.map(\.stanza)
    }
}
