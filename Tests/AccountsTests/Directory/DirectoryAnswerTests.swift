import NIOCore
import Testing

@testable import Accounts

/// What answers and their absence mean, without a server.
@Suite struct DirectoryAnswerTests {
    private static func activeDirectory(_ data: String) -> String {
        "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data \(data), v4563"
    }

    @Test(arguments: [
        ("52e", PasswordCheck.rejected), ("525", .rejected), ("775", .rejected), ("530", .refused(.notAllowed)),
        ("531", .refused(.notAllowed)), ("532", .refused(.passwordExpired)), ("533", .refused(.disabled)),
        ("701", .refused(.expired)),
        ("773", .refused(.passwordExpired)), ("", .rejected), ("zz", .rejected), ("ffffffffff", .rejected),
    ])
    func activeDirectoryCodes(_ data: String, _ verdict: PasswordCheck) throws {
        #expect(try LDAPResult(code: 49, diagnostic: Self.activeDirectory(data)).verdict() == verdict)
    }

    @Test func policyControls() throws {
        func verdict(_ code: Int32, _ problem: PasswordPolicyResponse.Problem?) throws -> PasswordCheck {
            try LDAPResult(code: code, policy: PasswordPolicyResponse(problem: problem)).verdict()
        }
        #expect(try verdict(0, nil) == .accepted)
        #expect(try verdict(0, .changeAfterReset) == .refused(.passwordExpired))
        #expect(try verdict(0, .passwordExpired) == .accepted)
        #expect(try verdict(49, nil) == .rejected)
        #expect(try verdict(49, .passwordExpired) == .refused(.passwordExpired))
        #expect(try verdict(49, .accountLocked) == .rejected)
    }

    @Test func troubleIsNeverAWrongPassword() {
        for code: Int32 in [1, 2, 3, 7, 8, 10, 11, 13, 36, 51, 52, 54, 80, -1, 4096] {
            #expect(throws: DirectoryFailure.self) { try LDAPResult(code: code).verdict() }
        }
    }

    @Test func startTLSAnswersByteByByte() throws {
        let accepted: [UInt8] = [
            0x30, 0x81, 0x0C, 0x02, 0x01, 0x01, 0x78, 0x07, 0x0A, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00,
        ]
        for count in 0..<accepted.count {
            #expect(try StartTLS.isAccepted(by: ByteBuffer(bytes: accepted[..<count])) == false)
        }
        #expect(try StartTLS.isAccepted(by: ByteBuffer(bytes: accepted)))
        for index in [0, 3, 4, 5, 6, 8] {
            var broken = accepted
            broken[index] ^= 0x40
            #expect(throws: DirectoryFailure.self, "\(index)") {
                try StartTLS.isAccepted(by: ByteBuffer(bytes: broken))
            }
        }
        #expect(throws: DirectoryFailure.self) { try StartTLS.isAccepted(by: ByteBuffer(bytes: accepted + [0])) }
        #expect(throws: DirectoryFailure.self) {
            try StartTLS.isAccepted(by: ByteBuffer(bytes: [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]))
        }
        var refused = accepted
        refused[10] = 2
        let failure = #expect(throws: DirectoryFailure.self) { try StartTLS.isAccepted(by: ByteBuffer(bytes: refused)) }
        #expect(failure?.reason.contains("Protocol error") == true)
    }

    @Test func namesAreRememberedForAWhile() {
        var limits = DirectoryConfiguration.Limits()
        limits.rememberExisting = .seconds(10)
        limits.rememberedNames = 100
        var cache = ExistenceCache(limits)
        let start = ContinuousClock.now
        cache.remember("a", exists: true, at: start)
        cache.remember("b", exists: false, at: start)
        #expect(cache.exists("a", at: start + .seconds(9)) == true)
        #expect(cache.exists("a", at: start + .seconds(10)) == nil)
        #expect(cache.exists("b", at: start + .seconds(59)) == false)
        #expect(cache.exists("b", at: start + .seconds(60)) == nil)
        for index in 0..<10_000 { cache.remember("name\(index)", exists: false, at: start) }
        #expect(cache.count <= 100)
        #expect(cache.exists("name9999", at: start) == false)
        #expect(cache.exists("a", at: start) == nil)
    }

    @Test func probesBecomeRarer() {
        var health = ServerHealth()
        #expect(health.outage == nil)
        #expect({ health.nextProbe() }() == nil)
        #expect({ health.failed("first") }())
        var pauses: [Duration] = []
        for _ in 0..<100 {
            if let pause = health.nextProbe() { pauses.append(pause) }
            #expect({ !health.failed("again") }())
        }
        #expect(pauses.prefix(3) == [.milliseconds(100), .milliseconds(200), .milliseconds(400)])
        #expect(pauses.last == .seconds(5))
        #expect(health.outage == "again")
        health.answered()
        #expect(health.outage == nil)
        #expect({ health.failed("second") }())
        #expect({ health.nextProbe() }() == .milliseconds(100))
    }

    @Test func placesAreGivenInOrderOfArrival() async {
        let slots = Slots(1)
        #expect(await slots.take(by: .now))
        #expect(await !slots.take(by: .now + .milliseconds(10)))
        async let second = slots.take(by: .now + .seconds(60))
        slots.give()
        #expect(await second)
        slots.give()
        #expect(await slots.take(by: .now))
    }

    @Test func aDeadlineIsStrongerThanTheWork() async {
        let forever = AsyncStream<Int>.makeStream()
        let value = await withDeadline(.now + .milliseconds(10), late: -1) {
            for await value in forever.stream { return value }
            return 0
        }
        #expect(value == -1)
        #expect(await withDeadline(.now + .seconds(60), late: -1) { 7 } == 7)
    }
}
