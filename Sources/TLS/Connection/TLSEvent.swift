/// What a `TLSHandler` tells the handlers behind it, as user inbound events.

package enum TLSEvent: Equatable, Sendable {
    /// Application data may flow; what was written before is sent after this event.
    case handshakeCompleted(TLSHandshake)
    /// The peer has ended its direction properly. The handler answers and closes, unless the channel allows remote half
    /// closure; then it also fires `ChannelEvent.inputClosed`, and the other direction stays open.
    case closeNotifyReceived
}

/// The outcome of a handshake.
package struct TLSHandshake: Equatable, Sendable {
    package let version: TLSVersion
    /// The protocol agreed on by ALPN (RFC 7301).
    package let negotiatedProtocol: String?
    /// The name the client asked for by SNI (RFC 6066).
    package let serverName: String?
    /// Whether a ticket made the handshake shorter.
    package let isResumed: Bool
}
