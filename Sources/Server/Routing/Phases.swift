package import XMPP

/// The order in which hooks see a stanza.
package enum Phase: Int, Sendable, CaseIterable, Comparable {
    /// Refuse what must not pass: blocking, limits.
    case reject
    /// Strip what is forged, stamp what is missing.
    case rewrite
    case archive
    case copy
    /// Deliver in a way of its own, instead of the rules of RFC 6121 §8.
    case deliver
    /// Nobody could take the stanza: keep it, or let it be refused.
    case absent
    /// Afterwards, if the stanza was delivered or kept: metrics, push.
    case observe

    package static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
}

/// Which way a stanza goes when a hook sees it.
package enum Direction: Int, Sendable, CaseIterable {
    /// One of our accounts' sessions has sent it.
    case fromClient
    /// The server sends it in the name of one of our accounts: broadcast presence, probes, notifications. Only
    /// hooks before delivery see it, and without a session.
    case fromAccount
    /// It is addressed to one of our accounts.
    case toAccount
}

/// What becomes of a stanza after a hook.
package enum Verdict: Sendable {
    case next
    /// The hook has taken it; nobody else sees it.
    case handled
}

/// Where a hook stands.
package struct HookScope {
    package let loop: LoopContext
    /// Whose stanza it is: the sender's account, or the receiver's.
    package let account: Account
    /// The session that has sent the stanza, if it is one of this loop's.
    package let session: Session?

    package init(loop: LoopContext, account: Account, session: Session?) {
        self.loop = loop
        self.account = account
        self.session = session
    }

    package var kernel: Kernel { loop.kernel }

    /// Stops reading from the client or component that has sent the stanza, until the returned function is called, on
    /// any thread; nil if nobody of this server has.
    package func pauseSender() -> (@Sendable () -> Void)? { session?.pause() ?? loop.speaker?.pause() }
}

/// Sees a stanza on its way, may change its envelope, take it or refuse it. Runs on an event loop; must not wait.
package typealias StanzaHook = @Sendable (inout Stanza, HookScope) throws(StanzaError) -> Verdict

/// A hook as it is kept: a bare function in an array or in an enum would be called through a chain of thunks.
package struct Hook: Sendable {
    let see: StanzaHook
}
