package import NIOCore
package import XMPP

/// A request of type get or set that the server answers (RFC 6120 §8.2.3).
package struct IQRequest: Sendable {
    /// Who asks: a full JID of a local session.
    package let from: JID
    /// The address asked: an account's bare JID, or a domain.
    package let to: JID
    package let type: StanzaType
    /// The request's one child element.
    package let payload: Element
    package let asked: Asked
    /// The account asked; nil if there is none, which the answer must not betray to strangers.
    package let account: Account?
    /// Whether the account is asked by one of its own sessions.
    package var isOwn: Bool { from.hasSameBare(as: to) }
    /// Whether the asking entity may know of the account and its presence: one of its own sessions, or a contact
    /// that is subscribed.
    package var maySeePresence: Bool { isOwn || account?.isSubscribed(by: from.bare) ?? false }
}

/// How the answer to an IQ is made.
package enum IQHandler: Sendable {
    /// Without waiting, on the event loop of the asking session; writes the content of the result.
    case inline(@Sendable (IQRequest, LoopContext, Session?, inout XMLWriter) throws(StanzaError) -> Void)
    /// Waits; the session reads nothing more until the answer is there, so that order is kept.
    case ordered(@Sendable (IQRequest) async throws(StanzaError) -> ByteBuffer?)
    /// Waits, while later stanzas of the session go on.
    case concurrent(@Sendable (IQRequest) async throws(StanzaError) -> ByteBuffer?)
}
