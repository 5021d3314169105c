internal import Server
internal import XMPP

/// A device of an account that wants to be woken by way of a push service (XEP-0357 §4).
struct PushRegistration: Sendable {
    let service: JID
    /// Empty where the client has named none.
    let node: String
    /// The form of publish-options as the client sent it; nil for none.
    let options: String?
    /// The full address by which the device was connected when it enabled notifications last.
    let device: JID
    /// Milliseconds since 1970; tells one enabling from the next.
    let enabled: Int64

    /// The messages that the device was told of since somebody has been there last.
    private var count = 0
    /// When somebody was there last: the session, and how often it had been come back to.
    private var visit: Visit?
    /// A notification has not been answered yet.
    private var isPublishing = false
    /// What has come meanwhile and is told of when it is answered.
    private var waiting: PushedMessage?

    private struct Visit: Sendable, Equatable {
        let session: UInt64
        let returns: Int
    }

    init(service: JID, node: String, options: String?, device: JID, enabled: Int64) {
        self.service = service
        self.node = node
        self.options = options
        self.device = device
        self.enabled = enabled
    }

    /// A message has been delivered to the account, or is kept for it.
    /// - Returns: what is to be published.
    mutating func received(_ message: PushedMessage, _ sessions: [BoundSession]) -> PushNotification? {
        let session = sessions.first { $0.handle.jid == device }
        if let session { came(session) }
        if let only = message.device, only != device { return nil }
        switch session {
        case let session? where session.isAway: break
        // The room's messages come to the client anyway, and there are many of them.
        case let session? where session.isInactive: if message.isGroupchat { return nil }
        case let session? where session.isAvailable: return nil
        // A device that is not there, or is but receives no messages.
        case nil, _?: if message.isTransient || message.isGroupchat { return nil }
        }
        return add(1, message)
    }

    /// The device has not acknowledged messages, and is gone.
    mutating func lost(_ messages: [PushedMessage], _ session: BoundSession) -> PushNotification? {
        came(session)
        // While nobody looked, it was told of each when it came.
        guard let last = messages.last, !session.isInactive else { return nil }
        return add(messages.count, last)
    }

    /// Somebody may have been there since the last message.
    private mutating func came(_ session: BoundSession) {
        let latest = Visit(session: session.handle.id, returns: session.returns)
        guard visit != latest else { return }
        visit = latest
        count = 0
    }

    private mutating func add(_ number: Int, _ message: PushedMessage) -> PushNotification? {
        count += number
        guard !isPublishing else {
            waiting = message
            return nil
        }
        isPublishing = true
        return PushNotification(registration: self, count: count, message: message)
    }

    /// The service has answered, or has not for too long.
    /// - Returns: what is to be published next.
    mutating func answered() -> PushNotification? {
        guard let message = waiting else {
            isPublishing = false
            return nil
        }
        waiting = nil
        return PushNotification(registration: self, count: count, message: message)
    }

    func isSame(as other: PushRegistration) -> Bool {
        service == other.service && node == other.node && enabled == other.enabled
    }
}

/// What a push service is told (XEP-0357 §6).
struct PushNotification: Sendable {
    let registration: PushRegistration
    let count: Int
    let message: PushedMessage
}
