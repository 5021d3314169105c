internal import Accounts
internal import Synchronization
internal import XMPP

/// The throttle of log-ins, shared by all event loops.
final class LoginThrottle: Sendable {
    private struct State {
        var throttle: Throttle
        var exempt: AddressSet
    }

    private let state: Mutex<State>
    private let clock: ServerClock

    init(_ configuration: Configuration, _ clock: ServerClock) {
        self.clock = clock
        state = Mutex(
            State(throttle: Throttle(limits: Self.limits(configuration)), exempt: configuration[LimitSettings.exempt]))
    }

    /// Takes over new limits, and forgets what has happened so far.
    func reload(_ configuration: Configuration) {
        state.withLock {
            $0 = State(
                throttle: Throttle(limits: Self.limits(configuration)), exempt: configuration[LimitSettings.exempt])
        }
    }

    private static func limits(_ configuration: Configuration) -> Throttle.Limits {
        var limits = Throttle.Limits()
        limits.failuresPerMinute = configuration[LimitSettings.failedLoginsPerMinute]
        return limits
    }

    /// An attempt to log in begins.
    func begin(_ account: JID?, from address: IPAddress?) -> (decision: Throttle.Decision, attempt: LoginAttempt) {
        let name = account?.description
        let (decision, source) = state.withLock { state in
            let source = address.flatMap { state.exempt.contains($0) ? nil : Throttle.Address(bytes: $0.bytes) }
            return (state.throttle.began(from: source, account: name, now: clock.instant), source)
        }
        let isOpen = if case .proceed = decision { true } else { false }
        return (decision, LoginAttempt(throttle: self, account: name, address: source, isOpen: isOpen))
    }

    fileprivate func end(_ outcome: Throttle.Outcome, _ attempt: LoginAttempt) {
        state.withLock { $0.throttle.ended(outcome, from: attempt.address, account: attempt.account, now: clock.instant) }
    }
}

/// An attempt to log in that was begun: its end is told to the throttle once, at the latest when it is let go of.
final class LoginAttempt: Sendable {
    private let throttle: LoginThrottle
    fileprivate let account: String?
    fileprivate let address: Throttle.Address?
    private let isOpen: Mutex<Bool>

    fileprivate init(throttle: LoginThrottle, account: String?, address: Throttle.Address?, isOpen: Bool) {
        self.throttle = throttle
        self.account = account
        self.address = address
        self.isOpen = Mutex(isOpen)
    }

    func end(_ outcome: Throttle.Outcome) {
        let ends = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        if ends { throttle.end(outcome, self) }
    }

    deinit { end(.undecided) }
}
