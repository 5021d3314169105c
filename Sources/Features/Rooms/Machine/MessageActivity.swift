internal import XMPP

/// How many messages an hour there are in a room (XEP-0502 §6): a counter for the hour that runs, and one for each of
/// the 24 before it.
struct MessageActivity: Sendable {
    private static let hours = 24
    private static let hour: Int64 = 3_600_000

    /// The first is the hour that runs.
    private var counters = [Int](repeating: 0, count: Self.hours + 1)
    /// When the hour that runs began; nil while nothing has happened.
    private var start: DateTime?
    /// How many whole hours are known.
    private var known = 0

    /// As it is kept over a restart of the server.
    struct Kept: Codable, Sendable {
        let counters: [Int]
        /// Milliseconds since 1970.
        let start: Int64?
        let known: Int
    }

    init() {}

    init(_ kept: Kept) {
        guard kept.counters.count == counters.count, (0...Self.hours).contains(kept.known) else { return }
        counters = kept.counters
        start = kept.start.map { DateTime(milliseconds: $0) }
        known = kept.known
    }

    var kept: Kept { Kept(counters: counters, start: start?.milliseconds, known: known) }

    var isEmpty: Bool { counters.allSatisfy { $0 == 0 } }

    /// Something happens in the room: hours may have gone by.
    mutating func advance(to now: DateTime) {
        guard let start else { return self.start = now }
        let passed = (now.milliseconds - start.milliseconds) / Self.hour
        guard passed > 0 else { return }
        for _ in 0..<min(passed, Int64(Self.hours) + 1) {
            counters.removeLast()
            counters.insert(0, at: 0)
        }
        known = Int(min(Int64(known) + passed, Int64(Self.hours)))
        self.start = DateTime(milliseconds: start.milliseconds + passed * Self.hour)
    }

    /// §5: no message without a body, and none that corrects another one (XEP-0308).
    mutating func count(_ message: Stanza, at now: DateTime) {
        guard let element = message.element, element.child("body") != nil,
            element.child("replace", in: .messageCorrection) == nil
        else { return }
        advance(to: now)
        counters[0] += 1
    }

    /// Messages an hour; nil before a whole hour is known.
    func rate(at now: DateTime) -> Double? {
        var activity = self
        activity.advance(to: now)
        guard activity.known > 0 else { return nil }
        return Double(activity.counters[1...activity.known].reduce(0, +)) / Double(activity.known)
    }
}

extension Room {
    /// §4.1; §9: not of rooms that are not listed, "or where users would need some kind of specific authorization to
    /// join".
    func activityField(at now: DateTime) -> DataForm.Field? {
        guard configuration.persistence.isPersistent, configuration.visibility.isPublic,
            !configuration.membersOnly.isMembersOnly, !configuration.password.isRequired,
            let rate = activity.rate(at: now)
        else { return nil }
        // Two digits behind the point.
        let hundredths = Int((rate * 100).rounded())
        let fraction = hundredths % 100
        return DataForm.Field(
            "{urn:xmpp:muc-activity}message-activity", label: "Messages per hour",
            "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)")
    }
}

extension Namespace {
    /// XEP-0308
    static let messageCorrection: Namespace = "urn:xmpp:message-correct:0"
}
