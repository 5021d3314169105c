import Accounts
import Storage
import TLS
import Testing
import XMPP

/// The tokens of devices (XEP-0484), in a real database.
@Suite struct DeviceTokenTests {
    private static let day = 86_400_000
    private static let now = 1_800_000_000_000
    private static let phone = "11111111-1111-4111-8111-111111111111"
    private static let laptop = "22222222-2222-4222-8222-222222222222"

    private func tokens(_ accounts: LocalAccounts, devices: Int = 20) -> DeviceTokens {
        DeviceTokens(
            of: accounts, secret: Array(repeating: 7, count: 32),
            settings: DeviceTokens.Settings(lifetime: 21 * Self.day, rotation: Self.day, devices: devices))
    }

    private func run(_ body: (LocalAccounts, DeviceTokens) async throws -> Void) async throws {
        try await LocalSetup.run { setup in
            let accounts = setup.accounts
            try await accounts.add("juliet", password: "r0m30myr0m30")
            try await body(accounts, tokens(accounts))
        }
    }

    private func issue(
        _ tokens: DeviceTokens, _ device: String = phone, mechanism: String = "HT-SHA-256-NONE", at time: Int = now
    ) async throws -> String {
        let revision = try #require(await tokens.passwordRevision(of: "juliet"))
        let token = try await tokens.issue(
            for: "juliet", device: device, mechanism: mechanism, passwordRevision: revision, now: time)
        return try #require(token).text
    }

    private func use(
        _ tokens: DeviceTokens, _ token: String, _ device: String = phone, user: String = "juliet",
        mechanism: String = "HT-SHA-256-NONE", count: Int? = nil, invalidates: Bool = false, at time: Int = now,
        changing change: ([UInt8]) -> [UInt8] = { $0 }
    ) async -> String {
        let proof = Hash.sha256.hmac(key: Array(token.utf8), HashedTokenMessage.initiator([]))
        let outcome = await tokens.use(
            DeviceTokens.Use(
                device: device, mechanism: mechanism, proof: change(proof), initiator: HashedTokenMessage.initiator([]),
                responder: HashedTokenMessage.responder([]), count: count, invalidates: invalidates),
            user: user, now: time)
        switch outcome {
        case .accepted(let proof, let isDue, _):
            #expect(proof == Hash.sha256.hmac(key: Array(token.utf8), HashedTokenMessage.responder([])))
            return isDue ? "due" : "accepted"
        case .rejected: return "rejected"
        case .expired: return "expired"
        case .refused(let reason): return "\(reason)"
        case .unavailable(let reason): return reason
        }
    }

    @Test func aTokenIsGoodUntilItExpires() async throws {
        try await run { _, tokens in
            let token = try await issue(tokens)
            #expect(token.utf8.count == 43)
            #expect(await use(tokens, token) == "accepted")
            #expect(await use(tokens, token, at: Self.now + Self.day - 1) == "accepted")
            #expect(await use(tokens, token, at: Self.now + Self.day) == "due")
            #expect(await use(tokens, token, at: Self.now + 21 * Self.day - 1) == "due")
            #expect(await use(tokens, token, at: Self.now + 21 * Self.day) == "expired")
        }
    }

    @Test func itIsTheDevicesAndTheMechanisms() async throws {
        try await run { accounts, tokens in
            try await accounts.add("romeo", password: "r0m30myr0m30")
            let token = try await issue(tokens)
            #expect(await use(tokens, token, Self.laptop) == "rejected")
            #expect(await use(tokens, token, user: "romeo") == "rejected")
            #expect(await use(tokens, token, user: "nobody") == "rejected")
            #expect(await use(tokens, token, mechanism: "HT-SHA-256-EXPR") == "rejected")
            for position in 0..<32 {
                let outcome = await use(tokens, token) { proof in
                    var proof = proof
                    proof[position] ^= 1
                    return proof
                }
                #expect(outcome == "rejected")
            }
            #expect(await use(tokens, token) { Array($0.dropLast()) } == "rejected")
        }
    }

    /// §3.5: the old one stays until the new one is used; a third takes the place of the second.
    @Test func rotation() async throws {
        try await run { _, tokens in
            let first = try await issue(tokens)
            #expect(await use(tokens, first) == "accepted")
            let lost = try await issue(tokens, at: Self.now + Self.day)
            #expect(await use(tokens, first) == "accepted")
            let second = try await issue(tokens, at: Self.now + Self.day + 1)
            #expect(await use(tokens, lost) == "rejected")
            #expect(await use(tokens, first) == "accepted")
            #expect(await use(tokens, second) == "accepted")
            #expect(await use(tokens, first) == "rejected")
            #expect(await use(tokens, second) == "accepted")
        }
    }

    @Test func aCountMustGrow() async throws {
        try await run { _, tokens in
            let token = try await issue(tokens)
            #expect(await use(tokens, token, count: 0) == "accepted")
            #expect(await use(tokens, token, count: 0) == "rejected")
            #expect(await use(tokens, token, count: 5) == "accepted")
            #expect(await use(tokens, token, count: 4) == "rejected")
            #expect(await use(tokens, token, count: 5) == "rejected")
            #expect(await use(tokens, token) == "accepted")
            #expect(await use(tokens, token, count: 6) == "accepted")
        }
    }

    /// Whoever replays a message while it is being dealt with is as late as anybody.
    @Test func oneOfManyWithTheSameCountIsAccepted() async throws {
        try await run { _, tokens in
            let token = try await issue(tokens)
            let accepted = await withTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { await self.use(tokens, token, count: 1) } }
                return await group.reduce(into: 0) { if $1 == "accepted" { $0 += 1 } }
            }
            #expect(accepted == 1)
        }
    }

    @Test func invalidation() async throws {
        try await run { _, tokens in
            let first = try await issue(tokens)
            #expect(await use(tokens, first) == "accepted")
            let second = try await issue(tokens)
            let other = try await issue(tokens, Self.laptop)
            #expect(await use(tokens, first, invalidates: true) == "accepted")
            #expect(await use(tokens, first) == "rejected")
            #expect(await use(tokens, second) == "rejected")
            #expect(await use(tokens, other, Self.laptop) == "accepted")
        }
    }

    /// Whoever has the right token is told that it has ended, and nobody else.
    @Test func theyEndWithThePassword() async throws {
        try await run { accounts, tokens in
            let revision = await tokens.passwordRevision(of: "juliet")
            let token = try await issue(tokens)
            try await accounts.setPassword(of: "juliet", to: "another one")
            #expect(await use(tokens, token) == "expired")
            #expect(await use(tokens, token) { $0.map { $0 ^ 1 } } == "rejected")
            // Who has proved to know the old password just before gets none.
            let late = try await tokens.issue(
                for: "juliet", device: Self.phone, mechanism: "HT-SHA-256-NONE", passwordRevision: try #require(revision),
                now: Self.now)
            #expect(late == nil)
            let new = try await issue(tokens)
            #expect(await use(tokens, new) == "accepted")
        }
    }

    @Test func theyEndWithTheAccount() async throws {
        try await run { accounts, tokens in
            let token = try await issue(tokens)
            try await accounts.setDisabled("juliet", true)
            #expect(await use(tokens, token) == "disabled")
            try await accounts.setDisabled("juliet", false)
            #expect(await use(tokens, token) == "expired")
            let next = try await issue(tokens)
            #expect(await use(tokens, next) == "accepted")
            try await accounts.remove("juliet")
            #expect(await use(tokens, next) == "rejected")
            try await accounts.add("juliet", password: "r0m30myr0m30")
            #expect(await use(tokens, next) == "rejected")
        }
    }

    @Test func theyEndByAnAdministratorsWish() async throws {
        try await run { _, tokens in
            let phone = try await issue(tokens)
            let laptop = try await issue(tokens, Self.laptop)
            try await tokens.revoke(of: "juliet", device: Self.phone)
            #expect(await use(tokens, phone) == "expired")
            #expect(await use(tokens, laptop, Self.laptop) == "accepted")
            try await tokens.revoke(of: "juliet", device: nil)
            #expect(await use(tokens, laptop, Self.laptop) == "expired")
        }
    }

    @Test func devicesAreBounded() async throws {
        try await LocalSetup.run { setup in
            let accounts = setup.accounts
            try await accounts.add("juliet", password: "r0m30myr0m30")
            let tokens = tokens(accounts, devices: 3)
            var issued: [(device: String, token: String)] = []
            for number in 0..<5 {
                let device = "device \(number)"
                issued.append((device, try await issue(tokens, device, at: Self.now + number)))
                // Another one for the same device takes no more room.
                issued[number].token = try await issue(tokens, device, at: Self.now + number)
            }
            var good: [String] = []
            for (device, token) in issued where await use(tokens, token, device) == "accepted" { good.append(device) }
            #expect(good == ["device 2", "device 3", "device 4"])
        }
    }

    @Test func thoseThatEndedLongAgoAreForgotten() async throws {
        try await run { _, tokens in
            let token = try await issue(tokens)
            try await tokens.tidy(now: Self.now + 30 * Self.day)
            #expect(await use(tokens, token, at: Self.now + 30 * Self.day) == "expired")
            try await tokens.tidy(now: Self.now + 43 * Self.day)
            #expect(await use(tokens, token, at: Self.now + 43 * Self.day) == "rejected")
        }
    }

    // MARK: Old keys

    @Test func oldKeysAreCompletedOnce() async throws {
        try await LocalSetup.run { setup in
            let accounts = setup.accounts
            let keys = ScramKeys(
                salt: [1], iterations: 4_096, storedKey: Array(repeating: 1, count: 20), serverKey: Array(repeating: 2, count: 20))
            try await accounts.add("romeo", keys: [.sha1: keys])
            #expect(accounts.hashes(of: "romeo") == [.sha1])
            #expect(accounts.hashes(of: "nobody") == [.sha1, .sha256, .sha512])
            let better = ScramKeys(
                salt: [2], iterations: 4_096, storedKey: Array(repeating: 3, count: 32), serverKey: Array(repeating: 4, count: 32))
            try await accounts.add(better, for: .sha256, of: "romeo")
            #expect(accounts.hashes(of: "romeo") == [.sha1, .sha256])
            // Those that are there stay.
            try await accounts.add(keys, for: .sha256, of: "romeo")
            #expect(await accounts.scramKeys(user: "romeo", hash: .sha256) == .keys(better))
            #expect(await accounts.scramKeys(user: "romeo", hash: .sha1) == .keys(keys))
            // As another process, or the same after a restart, finds it.
            try await accounts.loadOldKeys()
            #expect(accounts.hashes(of: "romeo") == [.sha1, .sha256])
            try await accounts.setPassword(of: "romeo", to: "r0m30myr0m30")
            #expect(accounts.hashes(of: "romeo") == [.sha1, .sha256, .sha512])
            await #expect(throws: AccountError.self) { try await accounts.add(better, for: .sha256, of: "nobody") }
        }
    }
}

extension LocalSetup {
    fileprivate static func run(_ body: (LocalSetup) async throws -> Void) async throws {
        let setup = try LocalSetup()
        do {
            try await body(setup)
        } catch {
            await setup.end()
            throw error
        }
        await setup.end()
    }
}
