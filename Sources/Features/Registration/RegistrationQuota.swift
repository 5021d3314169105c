/// How many accounts each network address may make in an hour.
struct RegistrationQuota: Sendable {
    private struct Hour {
        let began: ContinuousClock.Instant
        var count: Int
    }

    private static let hour = Duration.seconds(3_600)
    /// More addresses than this are not told apart from each other: new ones are refused until old ones expire.
    private static let capacity = 100_000

    private let limit: Int
    private var hours: [[UInt8]: Hour] = [:]

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes one account from an address's quota; false if nothing is left of it.
    /// - Parameter address: 4 or 16 bytes; of an IPv6 address the network counts, for everybody has many addresses there.
    mutating func take(_ address: [UInt8], now: ContinuousClock.Instant) -> Bool {
        let key = Array(address.prefix(8))
        var current = hours[key].flatMap { now - $0.began < Self.hour ? $0 : nil } ?? Hour(began: now, count: 0)
        guard current.count < limit else { return false }
        if hours[key] == nil, hours.count >= Self.capacity {
            hours = hours.filter { now - $0.value.began < Self.hour }
            guard hours.count < Self.capacity else { return false }
        }
        current.count += 1
        hours[key] = current
        return true
    }
}
