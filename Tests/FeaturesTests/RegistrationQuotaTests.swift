import Testing

@testable import Features

/// How many accounts an address may make.
struct RegistrationQuotaTests {
    private let start = ContinuousClock.now
    private let address: [UInt8] = [192, 0, 2, 7]

    @Test("the quota is for an hour from the first account on")
    func hour() {
        var quota = RegistrationQuota(limit: 2)
        func take(_ address: [UInt8], now: ContinuousClock.Instant) -> Bool { quota.take(address, now: now) }
        #expect(take(address, now: start))
        #expect(take(address, now: start + .seconds(10)))
        #expect(!take(address, now: start + .seconds(3_599)))
        #expect(take(address, now: start + .seconds(3_600)))
    }

    @Test("each IPv4 address has its own, all of an IPv6 network share one")
    func addresses() {
        var quota = RegistrationQuota(limit: 1)
        func take(_ address: [UInt8], now: ContinuousClock.Instant) -> Bool { quota.take(address, now: now) }
        #expect(take(address, now: start))
        #expect(take([192, 0, 2, 8], now: start))
        let network: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1]
        #expect(take(network + [0, 0, 0, 0, 0, 0, 0, 1], now: start))
        #expect(!take(network + [0, 0, 0, 0, 0, 0, 0, 2], now: start))
        #expect(take([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 2] + [0, 0, 0, 0, 0, 0, 0, 1], now: start))
    }
}
