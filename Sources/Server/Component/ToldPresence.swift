internal import XMPP

/// Whom a component has told that one of its addresses is available, and not yet that it is not.
///
/// The server tells them when the component is gone, as it does for clients (RFC 6121 §4.6.3).
struct ToldPresence {
    private struct Telling: Hashable {
        let from: JID
        /// The bare address.
        let to: JID
    }

    /// More are not remembered; they are told nothing wrong, only nothing in the end.
    static let limit = 50_000

    /// The addresses that were told, by their bare ones: nearly always one.
    private var told: [Telling: [JID]] = [:]
    private(set) var count = 0

    /// The component sends presence.
    mutating func sent(_ type: StanzaType, from: JID, to: JID) {
        let telling = Telling(from: from, to: to.bare)
        switch type {
        case .available:
            guard count < Self.limit, told[telling]?.contains(to) != true else { return }
            told[telling, default: []].append(to)
            count += 1
        case .unavailable:
            guard var addresses = told.removeValue(forKey: telling) else { return }
            count -= addresses.count
            // To the bare address it is for all resources.
            addresses.removeAll { to.isBare || $0 == to }
            guard !addresses.isEmpty else { return }
            count += addresses.count
            told[telling] = addresses
        case .subscribe, .subscribed, .unsubscribe, .unsubscribed, .probe, .error, .normal, .chat, .groupchat, .headline,
            .get, .set, .result:
            break
        }
    }

    /// Everybody who is to be told, in the order of the addresses that they were told of.
    mutating func takeAll() -> [(from: JID, to: JID)] {
        defer { self = ToldPresence() }
        return told.flatMap { telling, addresses in addresses.map { (telling.from, $0) } }
            .sorted { ($0.0.description, $0.1.description) < ($1.0.description, $1.1.description) }
    }
}
