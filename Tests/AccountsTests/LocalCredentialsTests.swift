import Accounts
import TLS
import Testing
import XMPP

/// The sources of a domain asked in order, and what strangers are told.
@Suite struct LocalCredentialsTests {
    /// A source that says what it is told to.
    private struct Scripted: AccountSource {
        let name: String
        var verdict = PasswordCheck.unknown
        var keys = KeyLookup.unknown
        var exists = Existence.unknown

        func verify(password: [UInt8], user: String, deadline: ContinuousClock.Instant) async -> PasswordCheck {
            verdict
        }
        func scramKeys(user: String, hash: Hash) async -> KeyLookup { keys }
        func existence(of user: String, deadline: ContinuousClock.Instant) async -> Existence { exists }
    }

    private static let dead = Scripted(
        name: "hq", verdict: .unavailable("no answer"), keys: .unavailable("no answer"),
        exists: .unavailable("no answer"))

    private func withSetup(_ body: (LocalSetup) async throws -> Void) async throws {
        let setup = try LocalSetup()
        do {
            try await setup.accounts.add("juliet", password: "right")
            try await body(setup)
        } catch {
            await setup.end()
            throw error
        }
        await setup.end()
    }

    private func verify(_ credentials: Credentials, _ password: String, _ user: String) async -> Credentials.Verdict {
        await credentials.verify(password: password, user: user, deadline: later)
    }

    @Test func theAnswerNamesTheSource() async throws {
        try await withSetup { setup in
            let credentials = try await setup.credentials()
            #expect(await verify(credentials, "right", "juliet") == .accepted(source: "local"))
            #expect(await verify(credentials, "wrong", "juliet") == .rejected)
            #expect(await verify(credentials, "right", "nurse") == .rejected)
        }
    }

    @Test func theFirstThatKnowsTheAccountDecides() async throws {
        try await withSetup { setup in
            let hq = Scripted(name: "hq", verdict: .accepted, exists: .exists)
            let local = try await setup.credentials([setup.accounts, hq])
            #expect(await verify(local, "wrong", "juliet") == .rejected)
            #expect(await verify(local, "any", "nurse") == .accepted(source: "hq"))
            let first = try await setup.credentials([hq, setup.accounts])
            #expect(await verify(first, "any", "juliet") == .accepted(source: "hq"))
            let refusing = Scripted(name: "hq", verdict: .refused(.expired))
            let expired = try await setup.credentials([refusing, setup.accounts])
            #expect(await verify(expired, "right", "juliet") == .refused(.expired, source: "hq"))
            #expect(await local.existence(of: "nurse", deadline: later) == .exists)
        }
    }

    @Test func anEmptyOrImpossiblePasswordReachesNoSource() async throws {
        try await withSetup { setup in
            let credentials = try await setup.credentials([Scripted(name: "anonymous bind", verdict: .accepted)])
            #expect(await verify(credentials, "", "juliet") == .rejected)
            #expect(await verify(credentials, "\u{7}", "juliet") == .rejected)
        }
    }

    @Test func aDeadSourceIsNotAWrongPassword() async throws {
        try await withSetup { setup in
            for sources in [[setup.accounts, Self.dead], [Self.dead, setup.accounts]] as [[any AccountSource]] {
                let credentials = try await setup.credentials(sources)
                #expect(await verify(credentials, "right", "juliet") == .accepted(source: "local"))
                #expect(await verify(credentials, "wrong", "juliet") == .rejected)
                #expect(await verify(credentials, "right", "nurse") == .unavailable("hq: no answer"))
                #expect(await credentials.existence(of: "juliet", deadline: later) == .exists)
                #expect(await credentials.existence(of: "nurse", deadline: later) == .unavailable("hq: no answer"))
                #expect(await credentials.scramKeys(user: "nurse", hash: .sha1) == .unavailable("hq: no answer"))
            }
        }
    }

    @Test func anUnknownUserCostsTheWorkOfAWrongPassword() async throws {
        try await withSetup { setup in
            let credentials = try await setup.credentials()
            let start = setup.hashing.iterationsDone
            #expect(await verify(credentials, "wrong", "juliet") == .rejected)
            let wrong = setup.hashing.iterationsDone - start
            #expect(await verify(credentials, "wrong", "nurse") == .rejected)
            let unknown = setup.hashing.iterationsDone - start - wrong
            #expect(wrong == LocalSetup.parameters.iterations)
            #expect(unknown == wrong)
        }
    }

    @Test func scramGetsTheAccountsKeysOrADecoy() async throws {
        try await withSetup { setup in
            let credentials = try await setup.credentials()
            guard case .keys(let keys) = await setup.accounts.scramKeys(user: "juliet", hash: .sha256) else {
                Issue.record("no keys")
                return
            }
            #expect(
                await credentials.scramKeys(user: "juliet", hash: .sha256)
                    == .account(keys, refusal: nil, source: "local"))
            try await setup.accounts.setDisabled("juliet", true)
            #expect(
                await credentials.scramKeys(user: "juliet", hash: .sha256)
                    == .account(keys, refusal: .disabled, source: "local"))
            for hash in Hash.allCases {
                guard case .decoy(let decoy) = await credentials.scramKeys(user: "nurse", hash: hash) else {
                    Issue.record("no decoy for \(hash)")
                    continue
                }
                #expect(decoy.salt.count == 16)
                #expect(decoy.iterations == keys.iterations)
                #expect(decoy.storedKey.count == hash.digestLength)
                #expect(decoy.serverKey.count == hash.digestLength)
            }
        }
    }

    @Test func aDecoyIsTheSameAtEveryAttemptAndAfterARestart() async throws {
        try await withSetup { setup in
            let first = try await setup.credentials().scramKeys(user: "nurse", hash: .sha1)
            let again = try await setup.credentials().scramKeys(user: "nurse", hash: .sha1)
            #expect(first == again)
            let others = [
                try await setup.credentials().scramKeys(user: "nurse", hash: .sha256),
                try await setup.credentials().scramKeys(user: "romeo", hash: .sha1),
            ]
            #expect(!others.contains(first))
        }
    }

    @Test func anAccountWithoutKeysIsNotSoughtFurtherDown() async throws {
        try await withSetup { setup in
            let hq = Scripted(name: "hq", keys: .none)
            let credentials = try await setup.credentials([hq, setup.accounts])
            guard case .decoy = await credentials.scramKeys(user: "juliet", hash: .sha1) else {
                Issue.record("the keys of another source's account")
                return
            }
        }
    }
}
