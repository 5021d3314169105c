import Accounts
import Testing

/// A throttle with which attempts can be made inside of expectations.
private final class Trial {
    private var throttle: Throttle

    init(_ limits: Throttle.Limits = .init()) {
        throttle = Throttle(limits: limits)
    }

    var count: Int { throttle.count }

    func began(from address: Throttle.Address?, account: String, at now: ContinuousClock.Instant) -> Throttle.Decision {
        throttle.began(from: address, account: account, now: now)
    }

    func ended(
        _ outcome: Throttle.Outcome, from address: Throttle.Address?, account: String, at now: ContinuousClock.Instant
    ) {
        throttle.ended(outcome, from: address, account: account, now: now)
    }

    /// Begins an attempt and ends it if it may proceed.
    @discardableResult
    func attempt(
        _ outcome: Throttle.Outcome, from address: Throttle.Address?, account: String, at now: ContinuousClock.Instant
    ) -> Throttle.Decision {
        let decision = began(from: address, account: account, at: now)
        if case .proceed = decision { ended(outcome, from: address, account: account, at: now) }
        return decision
    }
}

/// The two rules of `Throttle`, with a clock that the tests turn.
@Suite struct LocalThrottleTests {
    private let start = ContinuousClock.now
    private let here = Throttle.Address(bytes: [192, 0, 2, 1])
    private let there = Throttle.Address(bytes: [192, 0, 2, 2])

    private func address(_ number: Int) -> Throttle.Address? {
        Throttle.Address(bytes: [10, UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)])
    }

    @Test func anAddressMayFailSoOftenAMinute() {
        let trial = Trial()
        let decisions = (0..<12).map {
            trial.attempt(.failed, from: here, account: "user\($0)", at: start)
        }
        #expect(decisions.prefix(10).allSatisfy { $0 == .proceed(after: .zero) })
        #expect(decisions.suffix(2).allSatisfy { $0 == .refuse(for: .seconds(6)) })
        #expect(trial.attempt(.failed, from: there, account: "x", at: start) == .proceed(after: .zero))
        let after = start + .seconds(6)
        #expect(trial.attempt(.failed, from: here, account: "y", at: after) == .proceed(after: .zero))
        #expect(trial.attempt(.failed, from: here, account: "z", at: after) == .refuse(for: .seconds(6)))
    }

    @Test func successesCostAnAddressNothing() {
        let trial = Trial()
        for number in 0..<1_000 {
            let decision = trial.attempt(.succeeded, from: here, account: "user\(number)", at: start)
            #expect(decision == .proceed(after: .zero))
        }
        #expect(trial.attempt(.undecided, from: here, account: "x", at: start) == .proceed(after: .zero))
    }

    @Test func aCrowdOfConnectionsTriesNoMoreThanIsAllowedAtOnce() {
        let trial = Trial()
        let begun = (0..<200).map { trial.began(from: here, account: "user\($0)", at: start) }
        #expect(begun.count { $0 == .proceed(after: .zero) } == 50)
        #expect(begun.count { $0 == .refuse(for: .seconds(1)) } == 150)
        for number in 0..<50 { trial.ended(.failed, from: here, account: "user\(number)", at: start) }
        // What ran at once beyond the ten is owed.
        let soon = start + .seconds(240), later = start + .seconds(247)
        guard case .refuse = trial.began(from: here, account: "x", at: soon) else {
            Issue.record("the failures that ran at once were not counted")
            return
        }
        #expect(trial.began(from: here, account: "x", at: later) == .proceed(after: .zero))
    }

    @Test func exemptAddressesAreNeverRefused() {
        let trial = Trial()
        let decisions = (0..<100).map { trial.attempt(.failed, from: nil, account: "u\($0)", at: start) }
        #expect(decisions.allSatisfy { $0 == .proceed(after: .zero) })
    }

    @Test func failuresOnAnAccountDelayItFromElsewhereAndNeverRefuseIt() {
        let trial = Trial()
        var delays: [Throttle.Decision] = []
        for number in 0..<40 {
            delays.append(trial.attempt(.failed, from: address(number), account: "juliet", at: start))
        }
        #expect(delays.prefix(5).allSatisfy { $0 == .proceed(after: .zero) })
        #expect(
            delays[5...9] == [
                .proceed(after: .milliseconds(500)), .proceed(after: .seconds(1)), .proceed(after: .seconds(2)),
                .proceed(after: .seconds(4)), .proceed(after: .seconds(8)),
            ])
        #expect(delays.suffix(30).allSatisfy { $0 == .proceed(after: .seconds(8)) })
        #expect(trial.began(from: here, account: "juliet", at: start) == .proceed(after: .seconds(8)))
        #expect(trial.began(from: here, account: "romeo", at: start) == .proceed(after: .zero))
    }

    @Test func whereTheAccountWasUsedLatelyItDoesNotWait() {
        let trial = Trial()
        trial.attempt(.succeeded, from: here, account: "juliet", at: start)
        for number in 0..<40 {
            trial.attempt(.failed, from: address(number), account: "juliet", at: start)
        }
        #expect(trial.attempt(.succeeded, from: here, account: "juliet", at: start) == .proceed(after: .zero))
        #expect(trial.attempt(.succeeded, from: there, account: "juliet", at: start) == .proceed(after: .seconds(8)))
        #expect(trial.attempt(.succeeded, from: there, account: "juliet", at: start) == .proceed(after: .zero))
        #expect(trial.attempt(.failed, from: address(99), account: "juliet", at: start) == .proceed(after: .seconds(8)))
    }

    @Test func failuresOnAnAccountAreForgivenWithTime() {
        let trial = Trial()
        for number in 0..<8 { trial.attempt(.failed, from: address(number), account: "juliet", at: start) }
        #expect(trial.began(from: here, account: "juliet", at: start) == .proceed(after: .seconds(4)))
        #expect(
            trial.began(from: here, account: "juliet", at: start + .seconds(60)) == .proceed(after: .zero))
    }

    @Test func anIPv6CustomerIsOneAddressAndAMappedIPv4IsItself() {
        let prefix: [UInt8] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1]
        let one = Throttle.Address(bytes: prefix + [0, 0, 0, 0, 0, 0, 0, 1])
        #expect(one == Throttle.Address(bytes: prefix + [1, 2, 3, 4, 5, 6, 7, 8]))
        #expect(one != Throttle.Address(bytes: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1]))
        #expect(here == Throttle.Address(bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1]))
        #expect(Throttle.Address(bytes: [1, 2, 3]) == nil)
    }

    @Test func memoryIsBounded() {
        var limits = Throttle.Limits()
        limits.capacity = 100
        let trial = Trial(limits)
        for number in 0..<1_000 {
            let now = start + .milliseconds(number)
            trial.attempt(.failed, from: address(number), account: "user\(number)", at: now)
            #expect(trial.count <= 200)
        }
        // The newest are kept.
        let now = start + .seconds(1)
        for _ in 0..<9 { trial.attempt(.failed, from: address(999), account: "x", at: now) }
        guard case .refuse = trial.began(from: address(999), account: "y", at: now) else {
            Issue.record("the newest address was forgotten")
            return
        }
    }

    @Test func nothingIsRememberedOfAnAddressThatDidNothingWrong() {
        let trial = Trial()
        trial.attempt(.undecided, from: here, account: "juliet", at: start)
        #expect(trial.count == 0)
        trial.attempt(.failed, from: here, account: "juliet", at: start)
        trial.attempt(.undecided, from: here, account: "juliet", at: start + .seconds(3_600))
        trial.attempt(.undecided, from: here, account: "juliet", at: start + .seconds(3_600))
        #expect(trial.count <= 1)
    }
}
