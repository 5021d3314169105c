/// What `Throttle` knows of one address or account.
protocol ThrottleRecord {
    /// When it changed last.
    var last: ContinuousClock.Instant { get }
    /// Whether it decides as one would of which nothing is known.
    func isForgettable(_ limits: Throttle.Limits, now: ContinuousClock.Instant) -> Bool
}

/// The failures that an address may still make, and its log-ins under way.
struct AddressRecord: ThrottleRecord {
    private(set) var last: ContinuousClock.Instant
    /// Refilled with time up to `failuresPerMinute`; below zero when attempts that ran at once all failed.
    private var failuresLeft: Double
    private var running = 0

    init(_ limits: Throttle.Limits, now: ContinuousClock.Instant) {
        last = now
        failuresLeft = Double(limits.failuresPerMinute)
    }

    /// Returns how long to refuse for, zero if the attempt may proceed.
    mutating func begin(_ limits: Throttle.Limits, now: ContinuousClock.Instant) -> Duration {
        failuresLeft = refilled(limits, now: now)
        last = max(last, now)
        if failuresLeft < 1 {
            return .seconds(60) * ((1 - failuresLeft) / Double(limits.failuresPerMinute))
        }
        if running >= limits.attemptsAtOnce { return .seconds(1) }
        running += 1
        return .zero
    }

    mutating func end(failed: Bool, _ limits: Throttle.Limits, now: ContinuousClock.Instant) {
        failuresLeft = refilled(limits, now: now)
        last = max(last, now)
        // After a loss of memory under attack more may end than is known to have begun.
        running = max(0, running - 1)
        if failed { failuresLeft -= 1 }
    }

    func isForgettable(_ limits: Throttle.Limits, now: ContinuousClock.Instant) -> Bool {
        running == 0 && refilled(limits, now: now) >= Double(limits.failuresPerMinute)
    }

    private func refilled(_ limits: Throttle.Limits, now: ContinuousClock.Instant) -> Double {
        let most = Double(limits.failuresPerMinute)
        return min(most, failuresLeft + most * minutes(from: last, to: now))
    }
}

/// The failures of late on an account, and the addresses it was used from.
struct AccountRecord: ThrottleRecord {
    private(set) var last: ContinuousClock.Instant
    private var failures = 0.0
    /// Those from which it logged in, the latest at the end.
    private(set) var addresses: [Throttle.Address] = []

    init(now: ContinuousClock.Instant) {
        last = now
    }

    func delay(_ limits: Throttle.Limits, now: ContinuousClock.Instant) -> Duration {
        let excess = remaining(now: now).rounded() - Double(limits.failuresBeforeDelay)
        guard excess >= 0 else { return .zero }
        var delay = limits.firstDelay
        // Doubles at most a few times before it reaches the longest; no power of anything can overflow.
        for _ in 0..<Int(min(excess, 64)) where delay < limits.longestDelay { delay *= 2 }
        return min(delay, limits.longestDelay)
    }

    mutating func fail(now: ContinuousClock.Instant) {
        failures = remaining(now: now) + 1
        last = max(last, now)
    }

    mutating func remember(_ address: Throttle.Address, _ limits: Throttle.Limits, now: ContinuousClock.Instant) {
        failures = remaining(now: now)
        last = max(last, now)
        addresses.removeAll { $0 == address }
        addresses.append(address)
        if addresses.count > limits.addressesPerAccount { addresses.removeFirst() }
    }

    func isForgettable(_ limits: Throttle.Limits, now: ContinuousClock.Instant) -> Bool {
        addresses.isEmpty && remaining(now: now) < 0.5
    }

    /// Half of the failures are forgiven each minute.
    private func remaining(now: ContinuousClock.Instant) -> Double {
        var remaining = failures
        var age = minutes(from: last, to: now)
        while age >= 1, remaining >= 0.01 {
            remaining /= 2
            age -= 1
        }
        return remaining >= 0.01 ? remaining * (1 - age / 2) : 0
    }
}

/// Zero when the time has not come yet: callers on different threads may bring theirs out of order.
private func minutes(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant) -> Double {
    let duration: Duration = start.duration(to: end)
    return max(0, duration / .seconds(60))
}
