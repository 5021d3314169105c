internal import NIOCore
internal import XMPP

/// What a session keeps once its client has enabled stream management (XEP-0198).
struct SessionManagement {
    /// By what and for how long the session may be resumed.
    struct Resumption {
        /// Unguessable; what the client shows to get the session back (§5, SM-ID).
        let id: String
        let time: TimeAmount
    }

    var unacknowledged = UnacknowledgedStanzas()
    var handled = HandledStanzas()
    /// Whether the client was asked how much it has handled and has not answered yet.
    var isAnswerAwaited = false
    /// How much had been sent when it was asked last: it is not asked twice about the same.
    var asked: UInt32 = 0
    /// What is done with each count of handled stanzas that had to be waited for, in the order of asking.
    private var waiting = CircularBuffer<(UInt32) -> Void>(initialCapacity: 0)
    /// How much may wait for acknowledgement.
    let limit: (stanzas: Int, bytes: Int)
    /// Nil if the client has not asked for resumption, or the server does not allow it.
    let resumption: Resumption?

    init(resumption: Resumption?, limit: (stanzas: Int, bytes: Int)) {
        self.resumption = resumption
        self.limit = limit
    }

    /// Whether more waits for acknowledgement than may.
    var isFull: Bool { unacknowledged.count > limit.stanzas || unacknowledged.byteCount > limit.bytes }

    /// The number of stanzas handled; nil if it has to be waited for until all that was received so far is handled.
    /// - Parameter body: is given the number if it has to be waited for.
    mutating func count(orLater body: @escaping (UInt32) -> Void) -> UInt32? {
        if let count = handled.request() { return count }
        waiting.append(body)
        return nil
    }

    /// A stanza that was withheld is handled.
    /// - Returns: what is to be done with which counts.
    mutating func release(_ ticket: HandledStanzas.Ticket) -> [(body: (UInt32) -> Void, count: UInt32)] {
        handled.release(ticket).map { (waiting.removeFirst(), $0) }
    }
}
