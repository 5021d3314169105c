import Testing

@testable import Features

/// How many accounts an address may make.
struct RegistrationQuotaTests {
    private let start = ContinuousClock.now
    private let address: [UInt8] = [192, 0, 2, 7]

    @Test("the quota is for an hour from the first account on")
    func hour() {
        var quota = RegistrationQuota(limit: 2)
        let taken = [0, 10, 3_599, 3_600].map { quota.take(address, now: start + .seconds($0)) }
        #expect(taken == [true, true, false, true])
    }

    @Test("each IPv4 address has its own, all of an IPv6 network share one")
    func addresses() {
        var quota = RegistrationQuota(limit: 1)
        let network: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0]
        let taken = [
            address, [192, 0, 2, 8], network + [1, 0, 0, 0, 0, 0, 0, 0, 1], network + [1, 0, 0, 0, 0, 0, 0, 0, 2],
            network + [2, 0, 0, 0, 0, 0, 0, 0, 1],
        ].map { quota.take($0, now: start) }
        #expect(taken == [true, true, true, false, true])
    }
}
