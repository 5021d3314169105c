internal import NIOCore
internal import XMPP

/// What was said in a room last (XEP-0045 §7.2.13).
struct DiscussionHistory: Sendable {
    /// Which message it is, and whose.
    struct Origin: Sendable {
        /// The name of its place in the archive; nil without one.
        let place: String?
        /// What tells who has sent it from others (XEP-0421).
        let author: String?
    }

    private struct Entry: Sendable {
        let stanza: Stanza
        let time: DateTime
        let size: Int
        let origin: Origin
    }

    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }

    /// - Parameters:
    ///   - stanza: a message as it was broadcast, without a receiver.
    ///   - isDelayed: whether it says itself when it was sent.
    mutating func append(
        _ stanza: Stanza, at time: DateTime, isDelayed: Bool = false, room: JID, limit: Int,
        _ origin: Origin = Origin(place: nil, author: nil)
    ) {
        var stanza = stanza
        if !isDelayed { stanza.delay(since: time, by: room) }
        entries.append(Entry(stanza: stanza, time: time, size: stanza.serialized.readableBytes, origin: origin))
        trim(to: limit)
    }

    /// All of it, as it is kept.
    var all: [(stanza: Stanza, time: DateTime, origin: Origin)] { entries.map { ($0.stanza, $0.time, $0.origin) } }

    /// A message was taken back.
    /// - Parameter author: whose it has to be; nil for anybody's.
    mutating func retract(_ place: String, by author: String?) {
        entries.removeAll { $0.origin.place == place && (author == nil || $0.origin.author == author) }
    }

    mutating func trim(to limit: Int) {
        if entries.count > limit { entries.removeFirst(entries.count - limit) }
    }

    /// "The service MUST send the smallest amount of traffic that meets any combination of the above criteria".
    func entries(_ request: HistoryRequest, limit: Int, room: JID) -> [Stanza] {
        var left = min(request.stanzas ?? .max, limit)
        var characters = request.characters ?? .max
        var result: [Stanza] = []
        for entry in entries.reversed() {
            if let since = request.since, entry.time < since { break }
            guard left > 0, entry.size <= characters else { break }
            left -= 1
            characters -= entry.size
            result.append(entry.stanza)
        }
        return result.reversed()
    }
}

/// How much history who enters wants (XEP-0045 §7.2.13).
struct HistoryRequest: Sendable {
    var characters: Int?
    var stanzas: Int?
    var since: DateTime?

    init() {}

    /// - Parameter element: `<history/>`; what cannot be understood in it is passed over.
    init(_ element: Element?, at now: DateTime) {
        guard let element else { return }
        func number(_ attribute: StaticString) -> Int? { element[attribute].flatMap { Int($0) }.map { max(0, $0) } }
        characters = number("maxchars")
        stanzas = number("maxstanzas")
        since = element["since"].flatMap { DateTime($0) }
        if let seconds = number("seconds") {
            let start = DateTime(milliseconds: now.milliseconds - Int64(min(seconds, 1 << 40)) * 1_000)
            since = max(start, since ?? start)
        }
    }
}
