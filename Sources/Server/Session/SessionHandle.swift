package import XMPP

/// Names a session from any event loop.
package struct SessionHandle: Sendable, Hashable {
    /// Unique in the process.
    package let id: UInt64
    /// The full JID that the session is bound to.
    package let jid: JID
    /// Which of the server's event loops the session's connection belongs to.
    package let loop: Int

    package static func == (left: SessionHandle, right: SessionHandle) -> Bool { left.id == right.id }
    package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
