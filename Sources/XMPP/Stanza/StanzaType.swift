/// The value of a stanza's `type` attribute (RFC 6120 §8.2.3, RFC 6121 §4.7.1 and §5.2.2).
package enum StanzaType: UInt8, Sendable {
    /// Messages; `normal` also stands for no type and for one that is not known (RFC 6121 §5.2.2).
    case normal, chat, groupchat, headline
    /// Presence; `available` stands for no type.
    case available, unavailable, subscribe, subscribed, unsubscribe, unsubscribed, probe
    /// IQs.
    case get, set, result
    /// All kinds.
    case error

    /// The attribute's value; nil where the attribute is left out.
    package var attribute: StaticString? {
        switch self {
        case .normal, .available: nil
        case .chat: "chat"
        case .groupchat: "groupchat"
        case .headline: "headline"
        case .unavailable: "unavailable"
        case .subscribe: "subscribe"
        case .subscribed: "subscribed"
        case .unsubscribe: "unsubscribe"
        case .unsubscribed: "unsubscribed"
        case .probe: "probe"
        case .get: "get"
        case .set: "set"
        case .result: "result"
        case .error: "error"
        }
    }

    private static let ofPresence: [StanzaType] = [
        .unavailable, .subscribe, .subscribed, .unsubscribe, .unsubscribed, .probe, .error,
    ]
    private static let ofMessages: [StanzaType] = [.chat, .groupchat, .headline, .error]
    private static let ofIQs: [StanzaType] = [.get, .set, .result, .error]

    /// The type of a received stanza; nil where RFC 6120 calls the stanza a bad request.
    package init?(of kind: Stanza.Kind, _ element: Element) {
        let candidates: [StanzaType]
        switch kind {
        case .message: candidates = Self.ofMessages
        case .presence: candidates = Self.ofPresence
        case .iq: candidates = Self.ofIQs
        }
        let found: StanzaType?? = element.withAttribute("type") { value in
            candidates.first { candidate in
                candidate.attribute.map(value.hasSameBytes) ?? false
            }
        }
        switch (kind, found) {
        case (_, .some(.some(let type))): self = type
        case (.message, _): self = .normal
        case (.presence, .none): self = .available
        case (.presence, .some(.none)), (.iq, _): return nil
        }
    }
}
