/// The state of the presence subscriptions between a user and a contact, as the user's server knows it
/// (RFC 6121 Appendix A).
///
/// The nine states of the appendix, and beside them whether the user has approved a subscription in advance (§3.4).
package struct Subscription: Hashable, Sendable {
    /// The user receives the contact's presence.
    package var to = false
    /// The contact receives the user's presence.
    package var from = false
    /// The user has asked to receive the contact's presence. Never together with `to`.
    package var pendingOut = false
    /// The contact has asked to receive the user's presence. Never together with `from`.
    package var pendingIn = false
    /// The user has approved a request that the contact has not made yet. Never together with `from`.
    package var isApproved = false

    package init(
        to: Bool = false, from: Bool = false, pendingOut: Bool = false, pendingIn: Bool = false, isApproved: Bool = false
    ) {
        self.to = to
        self.from = from
        self.pendingOut = pendingOut
        self.pendingIn = pendingIn
        self.isApproved = isApproved
    }

    /// The value of the roster item's `subscription` attribute (§2.1.2.5).
    package var attribute: String {
        switch (to, from) {
        case (false, false): "none"
        case (true, false): "to"
        case (false, true): "from"
        case (true, true): "both"
        }
    }

    /// What becomes of a stanza that the user sends to the contact.
    package enum Outgoing: Sendable, Hashable {
        case route
        /// It would tell the contact nothing.
        case drop
    }

    /// The user sends a stanza that manages a subscription (A.2).
    package mutating func sent(_ type: StanzaType) -> Outgoing {
        switch type {
        case .subscribe:  // A.2.1
            if !to { pendingOut = true }
            return .route
        case .unsubscribe:  // A.2.2
            to = false
            pendingOut = false
            return .route
        case .subscribed:  // A.2.3
            if pendingIn {
                pendingIn = false
                from = true
                return .route
            }
            // §3.4.2: an approval in advance.
            if !from { isApproved = true }
            return .drop
        case .unsubscribed:  // A.2.4
            let wasOfUse = from || pendingIn
            from = false
            pendingIn = false
            isApproved = false
            return wasOfUse ? .route : .drop
        case .normal, .chat, .groupchat, .headline, .available, .unavailable, .probe, .get, .set, .result, .error:
            return .route
        }
    }

    /// What becomes of a stanza that the contact has sent to the user.
    package enum Incoming: Sendable, Hashable {
        case deliver
        case drop
        /// Answer `subscribed` on the user's behalf, without asking (§3.1.3, §3.4.2).
        case approve
    }

    /// The contact has sent a stanza that manages a subscription (A.3).
    package mutating func received(_ type: StanzaType) -> Incoming {
        switch type {
        case .subscribe:  // A.3.1
            if from { return .approve }
            if isApproved {
                isApproved = false
                pendingIn = false
                from = true
                return .approve
            }
            guard !pendingIn else { return .drop }
            pendingIn = true
            return .deliver
        case .unsubscribe:  // A.3.2
            guard from || pendingIn else { return .drop }
            from = false
            pendingIn = false
            return .deliver
        case .subscribed:  // A.3.3
            guard pendingOut else { return .drop }
            pendingOut = false
            to = true
            return .deliver
        case .unsubscribed:  // A.3.4
            guard to || pendingOut else { return .drop }
            to = false
            pendingOut = false
            return .deliver
        case .normal, .chat, .groupchat, .headline, .available, .unavailable, .probe, .get, .set, .result, .error:
            return .deliver
        }
    }
}
