internal import XMPP

/// How long one has to wait between two messages to all (XEP-0500).
struct SlowMode: RoomAbility {
    /// In seconds; 0 where nobody waits.
    var seconds = 0

    /// A week: a room where one speaks more seldom is for reading.
    private static let most = 604_800
    private static let name = "muc#roomconfig_slow_mode_duration"

    static let fields: [AbilityField<Self>] = [
        AbilityField(
            name: name, type: "text-single", label: "How many seconds does one wait between two messages?", minimum: 0,
            get: { ["\($0.seconds)"] },
            set: { (ability, values) throws(StanzaError) in
                guard let number = values.first.flatMap({ Int($0) }), (0...most).contains(number) else {
                    throw StanzaError(.notAcceptable, "\(name) is a number of seconds, at most \(most)")
                }
                ability.seconds = number
            })
    ]

    /// §5.2: "Value '0' means that the slow mode is disabled for this room."
    var field: DataForm.Field {
        DataForm.Field("muc#roominfo_slow_mode_duration", type: "text-single", label: "Slow mode", "\(seconds)")
    }
}

/// When people have spoken last. Whatever device or nickname they use, and whether they have left meanwhile: §8, "apply
/// the same limits to all user's sessions".
struct LastMessages: Sendable {
    private var times: [JID: DateTime] = [:]
    /// With more than these, those are looked for who need not wait any more.
    private var limit = 1_000
    private static let most = 20_000

    var isEmpty: Bool { times.isEmpty }

    var all: [JID: DateTime] { times }

    init(_ times: [JID: DateTime] = [:]) { self.times = times }

    /// - Throws: `policy-violation` for who has to wait (§6).
    func check(_ person: JID, seconds: Int, at now: DateTime) throws(StanzaError) {
        guard let last = times[person], now < last + seconds else { return }
        throw StanzaError(
            .policyViolation,
            "In this room one waits \(seconds) seconds between two messages. Please try again later.", kind: .wait)
    }

    mutating func add(_ person: JID, seconds: Int, at now: DateTime) {
        times[person] = now
        guard times.count > limit else { return }
        forget(before: now, seconds: seconds)
        if times.count > Self.most {
            times = Dictionary(uniqueKeysWithValues: times.sorted { $1.value < $0.value }.prefix(Self.most / 2).map { ($0, $1) })
        }
        limit = max(1_000, 2 * times.count)
    }

    /// Lets go of those who need not wait any more.
    mutating func forget(before now: DateTime, seconds: Int) {
        times = times.filter { now < $0.value + seconds }
    }
}

extension DateTime {
    fileprivate static func + (time: DateTime, seconds: Int) -> DateTime {
        DateTime(milliseconds: time.milliseconds + Int64(seconds) * 1_000)
    }
}

extension Room {
    /// §6: "Only messages containing at least one '<body/>' element must be taking into account"; "Room administrators
    /// and owners MUST NOT be rate limited."
    func isSlowed(_ stanza: Stanza, _ person: JID) -> Bool {
        configuration.slowMode.seconds > 0 && stanza.element?.child("body") != nil && affiliation(of: person) < .admin
    }
}
