/// How often passwords may be guessed: a value asked before each log-in and told how it ended.
///
/// Two rules:
///
/// - **An address** may fail `failuresPerMinute` times at once and then as often per minute; beyond that it is refused
///   without its passwords being looked at. At most `attemptsAtOnce` of its log-ins run at the same time, so that a
///   crowd of connections cannot try thousands before the first answer. Log-ins that succeed cost nothing, however many
///   users share the address.
/// - **An account** is never refused. After `failuresBeforeDelay` failures, wherever they came from, each further
///   attempt is made to wait, doubling from `firstDelay` up to `longestDelay`; the count of failures halves every
///   minute. The addresses from which the account logged in lately do not wait at all. So somebody who guesses a
///   stranger's password can make that person wait for some seconds at a new place, and neither there nor anywhere
///   else lock them out.
///
/// Memory is bounded: what has no effect any more is dropped, and when everything still has, the oldest half is.
/// Times are the caller's. Not shared between threads: its owner guards it.
package struct Throttle: Sendable {
    package struct Limits: Sendable {
        package var failuresPerMinute = 10
        package var attemptsAtOnce = 50
        package var failuresBeforeDelay = 5
        package var firstDelay = Duration.milliseconds(500)
        package var longestDelay = Duration.seconds(8)
        /// Addresses remembered for an account that logged in from them.
        package var addressesPerAccount = 4
        /// Addresses and accounts that are remembered, each.
        package var capacity = 50_000

        package init() {}
    }

    /// Where a connection comes from: an IPv4 address, or the /64 network of an IPv6 address, which is what one
    /// customer has to himself.
    package struct Address: Sendable, Hashable {
        private let bits: UInt64

        /// From the four or sixteen bytes of a socket address; nil for any other count.
        package init?(bytes: some Collection<UInt8>) {
            let bytes = Array(bytes)
            let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
            switch bytes.count {
            case 4: bits = Self.number(bytes)
            case 16 where bytes.starts(with: mappedPrefix): bits = Self.number(bytes.suffix(4))
            case 16: bits = Self.number(bytes.prefix(8))
            default: return nil
            }
        }

        private static func number(_ bytes: some Collection<UInt8>) -> UInt64 {
            bytes.reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    /// What to do with an attempt.
    package enum Decision: Sendable, Equatable {
        /// Check the password, after having waited. `ended` must follow.
        case proceed(after: Duration)
        /// Answer with a temporary failure without looking at the password. `ended` must not follow.
        case refuse(for: Duration)
    }

    /// How an attempt that might proceed ended.
    package enum Outcome: Sendable, Equatable {
        case succeeded
        /// Wrong password or no such account.
        case failed
        /// Nothing was learned: the client went away, or the sources could not be asked.
        case undecided
    }

    package let limits: Limits
    private var addresses: [Address: AddressRecord] = [:]
    private var accounts: [String: AccountRecord] = [:]

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// An attempt to log in was begun.
    ///
    /// - Parameters:
    ///   - address: nil for one that is exempt from the rule for addresses.
    ///   - account: prepared bare JID; nil when the client has not said it (EXTERNAL).
    package mutating func began(
        from address: Address?, account: String?, now: ContinuousClock.Instant
    ) -> Decision {
        if let address {
            Self.makeRoom(for: address, in: &addresses, limits, now: now)
            let wait = addresses[address, default: AddressRecord(limits, now: now)].begin(limits, now: now)
            if wait > .zero { return .refuse(for: wait) }
        }
        guard let account, let record = accounts[account] else { return .proceed(after: .zero) }
        if let address, record.addresses.contains(address) { return .proceed(after: .zero) }
        return .proceed(after: record.delay(limits, now: now))
    }

    /// An attempt that might proceed has ended.
    package mutating func ended(
        _ outcome: Outcome, from address: Address?, account: String?, now: ContinuousClock.Instant
    ) {
        if let address, var record = addresses[address] {
            record.end(failed: outcome == .failed, limits, now: now)
            addresses[address] = record.isForgettable(limits, now: now) ? nil : record
        }
        guard let account, outcome != .undecided else { return }
        Self.makeRoom(for: account, in: &accounts, limits, now: now)
        var record = accounts[account] ?? AccountRecord(now: now)
        if outcome == .failed { record.fail(now: now) }
        if outcome == .succeeded, let address { record.remember(address, limits, now: now) }
        accounts[account] = record.isForgettable(limits, now: now) ? nil : record
    }

    /// Entries held, for metrics and tests.
    package var count: Int { addresses.count + accounts.count }

    private static func makeRoom<Key, Record: ThrottleRecord>(
        for key: Key, in records: inout [Key: Record], _ limits: Limits, now: ContinuousClock.Instant
    ) {
        guard records.count >= limits.capacity, records[key] == nil else { return }
        records = records.filter { !$0.value.isForgettable(limits, now: now) }
        guard records.count >= limits.capacity else { return }
        let newest = records.sorted { $0.value.last > $1.value.last }.prefix(limits.capacity / 2)
        records = Dictionary(uniqueKeysWithValues: newest.map { ($0.key, $0.value) })
    }
}
