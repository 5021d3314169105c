import NIOCore
import Testing
import XMPP

@testable import Server

@Suite struct StreamLimitTests {
    private static func time(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000) + .milliseconds(milliseconds)
    }

    @Test func bucketLetsBurstsPass() {
        var bucket = TokenBucket(rate: 10, burst: 100, now: Self.time(0))
        #expect(bucket.spend(100, now: Self.time(0)) == nil)
        #expect(bucket.spend(1, now: Self.time(0)) == .milliseconds(100))
        #expect(bucket.spend(0, now: Self.time(100)) == nil)
        #expect(bucket.spend(20, now: Self.time(100)) == .seconds(2))
        #expect(bucket.spend(0, now: Self.time(1_100)) == .seconds(1))
    }

    @Test func bucketSavesNoMoreThanItsBurst() {
        var bucket = TokenBucket(rate: 10, burst: 5, now: Self.time(0))
        #expect(bucket.spend(5, now: Self.time(3_600_000)) == nil)
        #expect(bucket.spend(1, now: Self.time(3_600_000)) == .milliseconds(100))
    }

    /// What is more than the burst is owed, and waited for; it is never refused.
    @Test func bucketLends() {
        var bucket = TokenBucket(rate: 1_000, burst: 10, now: Self.time(0))
        #expect(bucket.spend(2_010, now: Self.time(0)) == .seconds(2))
        #expect(bucket.spend(0, now: Self.time(2_000)) == nil)
    }

    @Test func bucketTakesNoHarmFromAClockThatStands() {
        var bucket = TokenBucket(rate: 10, burst: 10, now: Self.time(1_000))
        #expect(bucket.spend(10, now: Self.time(0)) == nil)
        #expect(bucket.spend(1, now: Self.time(0)) == .milliseconds(100))
        #expect(bucket.spend(0, now: Self.time(1_000)) == .milliseconds(100))
        #expect(bucket.spend(0, now: Self.time(1_100)) == nil)
    }

    private static func configuration(limit: Int, exempt: [String]) throws -> Configuration {
        var configuration = Configuration(domains: [DomainSection(name: "localhost")], data: "data")
        configuration[LimitSettings.connectionsPerAddress] = limit
        configuration[LimitSettings.exempt] = try AddressSet(exempt)
        return configuration
    }

    @Test func admissionCountsEachAddress() throws {
        let admission = AddressAdmission(try Self.configuration(limit: 2, exempt: ["10.0.0.0/8"]))
        let one = IPAddress("192.0.2.1")
        let other = IPAddress("2001:db8::1")
        let first = try #require(admission.admit(one))
        let second = try #require(admission.admit(one))
        #expect(admission.admit(one) == nil)
        #expect(admission.admit(other) != nil)
        first.end()
        let third = try #require(admission.admit(one))
        #expect(admission.admit(one) == nil)
        second.end()
        third.end()
        #expect(admission.admit(one) != nil)
    }

    /// RFC 6120 §13.12: connections that have ended count as well, until the minute is over.
    @Test func admissionCountsAttempts() throws {
        var configuration = try Self.configuration(limit: 10, exempt: [])
        configuration[LimitSettings.connectionsPerMinute] = 3
        let admission = AddressAdmission(configuration)
        let one = IPAddress("192.0.2.1")
        let other = IPAddress("192.0.2.2")
        for _ in 0..<3 { try #require(admission.admit(one, now: Self.time(1_000))).end() }
        #expect(admission.admit(one, now: Self.time(60_999)) == nil)
        #expect(admission.admit(other, now: Self.time(60_999)) != nil)
        #expect(admission.admit(one, now: Self.time(61_000)) != nil)
    }

    @Test func admissionOfExemptAndUnknownAddresses() throws {
        let admission = AddressAdmission(try Self.configuration(limit: 1, exempt: ["10.0.0.0/8"]))
        for address in [IPAddress("10.1.2.3"), nil] {
            let admissions = (0..<10).compactMap { _ in admission.admit(address) }
            #expect(admissions.count == 10)
            for one in admissions { one.end() }
        }
    }

    @Test func admissionReloads() throws {
        let admission = AddressAdmission(try Self.configuration(limit: 1, exempt: []))
        let address = IPAddress("192.0.2.1")
        let first = try #require(admission.admit(address))
        #expect(admission.admit(address) == nil)
        admission.reload(try Self.configuration(limit: 2, exempt: []))
        #expect(admission.admit(address) != nil)
        admission.reload(try Self.configuration(limit: 1, exempt: ["192.0.2.1"]))
        let exempt = try #require(admission.admit(address))
        exempt.end()
        admission.reload(try Self.configuration(limit: 2, exempt: []))
        #expect(admission.admit(address) == nil)
        first.end()
        #expect(admission.admit(address) != nil)
    }

    @Test func limitsFollowTheSettings() throws {
        var configuration = Configuration(domains: [DomainSection(name: "localhost")], data: "data")
        configuration[LimitSettings.stanzaSizeBeforeLogin] = ByteCount(12_345)
        configuration[LimitSettings.stanzaSize] = ByteCount(54_321)
        configuration[LimitSettings.depth] = 9
        configuration[LimitSettings.attributes] = 17
        configuration[LimitSettings.unknownNames] = 101
        configuration[LimitSettings.loginTime] = .seconds(7)
        configuration[LimitSettings.stanzasPerSecond] = 3
        let limits = StreamLimits(configuration)
        #expect(limits.beforeLogin == XMLLimits(bytes: 12_345, depth: 9, attributes: 17, unknownNames: 101))
        #expect(limits.afterLogin == XMLLimits(bytes: 54_321, depth: 9, attributes: 17, unknownNames: 101))
        #expect(limits.loginTime == .seconds(7))
        #expect(limits.stanzasPerSecond == 3)
    }
}
