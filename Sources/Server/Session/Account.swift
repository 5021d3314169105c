internal import Synchronization
package import NIOCore
package import XMPP

/// An account of one of our domains while it is in memory: its sessions, and what features know of it.
///
/// Used from every event loop. Its state is reached only under its lock, which is never held across I/O.
package final class Account: Sendable {
    /// The bare JID.
    package let jid: JID
    private let state = Mutex(AccountState())
    /// What `AccountState.filled` was when its lock was held last.
    private let filled = Atomic<UInt64>(0)
    /// Whether it was used since the last sweep of the accounts in memory.
    private let isMarked = Atomic(false)

    init(jid: JID) {
        self.jid = jid
    }

    /// Marks the account, so that it stays in memory while something is done with it.
    @discardableResult
    func used() -> Account {
        // Mostly it is marked already, and reading disturbs no other core.
        if !isMarked.load(ordering: .relaxed) { isMarked.store(true, ordering: .relaxed) }
        return self
    }

    /// Takes the mark away; false if there was none.
    func takeMark() -> Bool { isMarked.exchange(false, ordering: .relaxed) }

    /// Reads or changes the state. The closure must not wait, route or take another account's lock.
    package func withState<Result, Failure: Error>(
        _ body: (inout AccountState) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try state.withLock { (state) throws(Failure) in
            defer { filled.store(state.filled, ordering: .releasing) }
            return try body(&state)
        }
    }

    /// Whether a slot has ever been set: for those who look for every stanza, and nearly always in vain. Takes no lock.
    package func has(_ mark: AccountSlotMark) -> Bool {
        filled.load(ordering: .acquiring) & mark.bit != 0
    }

    /// The sessions that are bound at the moment.
    package var sessions: [BoundSession] { state.withLock { $0.sessions } }
}

/// What is in memory of an account.
package struct AccountState: ~Copyable, @unchecked Sendable {
    // `@unchecked Sendable`: slots hold only Sendable values, in boxes that never leave this value.

    /// In the order in which they were bound.
    package internal(set) var sessions: [BoundSession] = []
    /// The account is gone from storage; its last sessions are about to end, and nothing is to be kept of them.
    package internal(set) var isRemoved = false
    private var slots = Slots()
    /// The marks of the slots that have been set.
    fileprivate var filled: UInt64 = 0

    package subscript<Value>(slot: AccountSlot<Value>) -> Value {
        get { slots[slot.index, slot.initial] }
        _modify {
            filled |= slot.mark.bit
            yield &slots[slot.index, slot.initial]
        }
    }

    /// Changes what is known of a session; without effect if it is not bound any more.
    package mutating func updateSession(_ id: UInt64, _ body: (inout BoundSession) -> Void) {
        guard let index = sessions.firstIndex(where: { $0.handle.id == id }) else { return }
        body(&sessions[index])
    }
}

/// What the account knows of one of its sessions.
package struct BoundSession: Sendable {
    package internal(set) var handle: SessionHandle
    /// Whether the session has lost its connection and waits for being resumed (XEP-0198 §5).
    package internal(set) var isAway = false
    /// Whether the client has said that nobody looks at it (XEP-0352).
    package internal(set) var isInactive = false
    /// How often somebody has come back to it: by resuming it, or by looking at it again.
    package internal(set) var returns = 0
    /// The installation of the client, as it has named itself (XEP-0388 §2.3); nobody else's business.
    var device: String?
    /// Whether the session may be resumed: it survives its connection, and an orderly restart of the server.
    package internal(set) var isResumable = false
    /// The last presence broadcast, nil before initial presence and after unavailable presence.
    package var presence: AvailablePresence?
    /// Whether the session has asked for the roster and so receives roster pushes (RFC 6121 §2.1.6).
    package var isInterested = false

    package var isAvailable: Bool { presence != nil }

    init(handle: SessionHandle, device: String? = nil) {
        self.handle = handle
        self.device = device
    }
}

/// The presence of an available resource (RFC 6121 §4.7).
package struct AvailablePresence: Sendable {
    /// −128…127 (RFC 6121 §4.7.2.3).
    package var priority: Int8
    /// The content of the stanza, to be sent again to whoever probes.
    package var content: ByteBuffer
    /// `xml:lang` of the stanza.
    package var language: String?
    /// The id of the stanza.
    package var id: String?

    package init(priority: Int8, content: ByteBuffer, language: String?) {
        self.priority = priority
        self.content = content
        self.language = language
    }
}
