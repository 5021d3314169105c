import Accounts
import Storage
import TLS
import Testing
import XMPP

/// Accounts in the database: keys, flags, changes and many at once.
@Suite struct LocalAccountsTests {
    private func withSetup(_ body: (LocalSetup) async throws -> Void) async throws {
        let setup = try LocalSetup()
        do {
            try await body(setup)
        } catch {
            await setup.end()
            throw error
        }
        await setup.end()
    }

    private func failure(_ body: () async throws(AccountError) -> Void) async -> String? {
        do throws(AccountError) {
            try await body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func passwordsAreAcceptedAndRejected() async throws {
        try await withSetup { setup in
            try await setup.accounts.add("juliet", password: "O Romeo!")
            #expect(await setup.accounts.verify("O Romeo!", user: "juliet") == .accepted)
            #expect(await setup.accounts.verify("o romeo!", user: "juliet") == .rejected)
            #expect(await setup.accounts.verify("", user: "juliet") == .rejected)
            #expect(await setup.accounts.verify("O Romeo!", user: "nurse") == .unknown)
            #expect(await setup.accounts.existence(of: "juliet", deadline: later) == .exists)
            #expect(await setup.accounts.existence(of: "nurse", deadline: later) == .unknown)
        }
    }

    /// Whoever wants to know of log-ins hears of accounts that exist and may be used, whatever the password.
    @Test func logInsAreTold() async throws {
        try await withSetup { setup in
            for name in ["juliet", "romeo", "paris"] { try await setup.accounts.add(name, password: "secret") }
            try await setup.accounts.setDisabled("paris", true)
            let (told, tell) = AsyncStream.makeStream(of: String.self)
            setup.accounts.onLogin { tell.yield($0) }
            for name in ["juliet", "nurse", "paris", "romeo"] { _ = await setup.accounts.verify("wrong", user: name) }
            _ = await setup.accounts.scramKeys(user: "juliet", hash: .sha256)
            var names: [String] = []
            for await name in told.prefix(3) { names.append(name) }
            #expect(names == ["juliet", "romeo", "juliet"])
        }
    }

    /// RFC 5802 section 3.
    @Test func keysAreThoseOfTheSpecification() async throws {
        try await withSetup { setup in
            try await setup.accounts.add("user", password: "pencil")
            for hash in Hash.allCases {
                guard case .keys(let keys) = await setup.accounts.scramKeys(user: "user", hash: hash) else {
                    Issue.record("no keys for \(hash)")
                    continue
                }
                #expect(keys.salt.count == 16)
                #expect(keys.iterations == 50)
                let salted = hash.pbkdf2(password: Array("pencil".utf8), salt: keys.salt, iterations: 50)
                #expect(keys.storedKey == hash.digest(hash.hmac(key: salted, Array("Client Key".utf8))))
                #expect(keys.serverKey == hash.hmac(key: salted, Array("Server Key".utf8)))
            }
            #expect(await setup.accounts.scramKeys(user: "nobody", hash: .sha1) == .unknown)
        }
    }

    @Test func saltsDiffer() async throws {
        try await withSetup { setup in
            var salts: Set<[UInt8]> = []
            for name in ["a", "b"] {
                try await setup.accounts.add(name, password: "same")
                for hash in Hash.allCases {
                    if case .keys(let keys) = await setup.accounts.scramKeys(user: name, hash: hash) {
                        salts.insert(keys.salt)
                    }
                }
            }
            #expect(salts.count == 6)
        }
    }

    @Test func anAccountWithoutKeysForAHashSaysSo() async throws {
        try await withSetup { setup in
            let parameters = KeyParameters(hashes: [.sha1], iterations: 50)
            let old = LocalAccounts(
                domain: "example.test", database: setup.database, hashing: setup.hashing, parameters: parameters,
                preparePassword: LocalSetup.prepare)
            try await old.add("veteran", password: "pencil")
            #expect(await setup.accounts.scramKeys(user: "veteran", hash: .sha256) == .none)
            #expect(await setup.accounts.verify("pencil", user: "veteran") == .accepted)
            #expect(await setup.accounts.verify("crayon", user: "veteran") == .rejected)
        }
    }

    @Test func shortPasswordsAreRefusedWhereTheAdministratorWantsIt() async throws {
        try await withSetup { setup in
            let strict = LocalAccounts(
                domain: "example.test", database: setup.database, hashing: setup.hashing,
                parameters: KeyParameters(iterations: 50, minimumLength: 6), preparePassword: LocalSetup.prepare)
            #expect(await failure { () throws(AccountError) in
                try await strict.add("juliet", password: "rosé!")
            } == "this cannot be a password: it has fewer than 6 characters")
            try await strict.add("juliet", password: "pencil")
            #expect(await failure { () throws(AccountError) in
                try await strict.setPassword(of: "juliet", to: "short")
            } == "this cannot be a password: it has fewer than 6 characters")
        }
    }

    @Test func passwordsArePreparedBeforeTheyAreHashed() async throws {
        try await withSetup { setup in
            try await setup.accounts.add("juliet", password: "Ame\u{301}lie")
            #expect(await setup.accounts.verify("Am\u{e9}lie", user: "juliet") == .accepted)
            #expect(await failure { () throws(AccountError) in
                try await setup.accounts.add("bell", password: "\u{7}")
            } == "this cannot be a password: it has a bell in it")
            #expect(await failure { () throws(AccountError) in
                try await setup.accounts.add("empty", password: "")
            } == "this cannot be a password: it is empty")
            #expect(try await setup.accounts.list().map(\.localpart) == ["juliet"])
        }
    }

    @Test func aNewPasswordReplacesTheOldOneAtOnce() async throws {
        try await withSetup { setup in
            try await setup.accounts.add("juliet", password: "old")
            #expect(await setup.accounts.verify("old", user: "juliet") == .accepted)
            try await setup.accounts.setPassword(of: "juliet", to: "new")
            #expect(await setup.accounts.verify("old", user: "juliet") == .rejected)
            #expect(await setup.accounts.verify("new", user: "juliet") == .accepted)
        }
    }

    /// `martlet user` is another process with another instance.
    @Test func changesOfAnotherInstanceAreSeenAtOnce() async throws {
        try await withSetup { setup in
            let database = try Database.open(directory: setup.folder, migrations: AccountTables.migrations)
            let command = LocalSetup.accounts(database, setup.hashing)
            try await command.add("juliet", password: "old")
            #expect(await setup.accounts.verify("old", user: "juliet") == .accepted)
            try await command.setPassword(of: "juliet", to: "new")
            #expect(await setup.accounts.verify("old", user: "juliet") == .rejected)
            try await command.remove("juliet")
            #expect(await setup.accounts.verify("new", user: "juliet") == .unknown)
            database.close()
        }
    }

    @Test func aDisabledAccountIsRefusedOnlyToWhoeverKnowsThePassword() async throws {
        try await withSetup { setup in
            try await setup.accounts.add("juliet", password: "right")
            guard case .keys(let keys) = await setup.accounts.scramKeys(user: "juliet", hash: .sha256) else {
                Issue.record("no keys")
                return
            }
            try await setup.accounts.setDisabled("juliet", true)
            #expect(await setup.accounts.verify("right", user: "juliet") == .refused(.disabled))
            #expect(await setup.accounts.verify("wrong", user: "juliet") == .rejected)
            #expect(await setup.accounts.scramKeys(user: "juliet", hash: .sha256) == .refused(keys, .disabled))
            #expect(await setup.accounts.existence(of: "juliet", deadline: later) == .unknown)
            try await setup.accounts.setDisabled("juliet", false)
            #expect(await setup.accounts.verify("right", user: "juliet") == .accepted)
        }
    }

    @Test func flagsAndListsArePerDomain() async throws {
        try await withSetup { setup in
            let other = LocalSetup.accounts(setup.database, setup.hashing, domain: "other.test")
            try await setup.accounts.add("b", password: "x", isAdministrator: true)
            try await setup.accounts.add("a", password: "x")
            try await setup.accounts.add("c", password: "x")
            try await other.add("a", password: "y")
            #expect(try await setup.accounts.list().map(\.localpart) == ["a", "b", "c"])
            #expect(try await setup.accounts.list(after: "a", limit: 1).map(\.localpart) == ["b"])
            #expect(try await setup.accounts.account("b")?.isAdministrator == true)
            #expect(try await setup.accounts.account("a")?.isAdministrator == false)
            #expect(try await setup.accounts.account("a")?.created ?? 0 > 1_700_000_000)
            try await setup.accounts.setAdministrator("a", true)
            #expect(try await setup.accounts.account("a")?.isAdministrator == true)
            #expect(try await other.account("a")?.isAdministrator == false)
            try await setup.accounts.remove("a")
            #expect(await other.verify("y", user: "a") == .accepted)
            #expect(await setup.accounts.verify("x", user: "a") == .unknown)
        }
    }

    @Test func changesOfAbsentAccountsAreToldAndASecondAdditionToo() async throws {
        try await withSetup { setup in
            let accounts = setup.accounts
            try await accounts.add("juliet", password: "first")
            #expect(await failure { () throws(AccountError) in
                try await accounts.add("juliet", password: "second")
            } == "the account exists already")
            #expect(await accounts.verify("first", user: "juliet") == .accepted)
            let absent = "there is no such account"
            #expect(await failure { () throws(AccountError) in try await accounts.remove("x") } == absent)
            #expect(await failure { () throws(AccountError) in try await accounts.setDisabled("x", true) } == absent)
            #expect(await failure { () throws(AccountError) in
                try await accounts.setAdministrator("x", true)
            } == absent)
            #expect(await failure { () throws(AccountError) in
                try await accounts.setPassword(of: "x", to: "y")
            } == absent)
        }
    }

    @Test func manyAreAddedAtOnceAndEachIsAnswered() async throws {
        try await withSetup { setup in
            try await setup.accounts.add("user7", password: "first")
            var many = (0..<300).map { (localpart: "user\($0)", password: "password\($0)") }
            many[9].password = "\u{7}"
            let commits = setup.database.commits
            let results = await setup.accounts.add(many)
            let failed = results.indices.filter { index in
                if case .failure = results[index] { return true }
                return false
            }
            #expect(failed == [7, 9])
            #expect(setup.database.commits - commits <= 299)
            #expect(try await setup.accounts.list().count == 299)
            #expect(await setup.accounts.verify("password250", user: "user250") == .accepted)
            #expect(await setup.accounts.verify("first", user: "user7") == .accepted)
        }
    }

    @Test func aPasswordThatWasRightIsNotHashedAgain() async throws {
        try await withSetup { setup in
            try await setup.accounts.add("juliet", password: "right")
            #expect(await setup.accounts.verify("right", user: "juliet") == .accepted)
            let before = setup.hashing.iterationsDone
            #expect(await setup.accounts.verify("right", user: "juliet") == .accepted)
            #expect(setup.hashing.iterationsDone == before)
            #expect(await setup.accounts.verify("wrong", user: "juliet") == .rejected)
            #expect(await setup.accounts.verify("wrong", user: "juliet") == .rejected)
            #expect(setup.hashing.iterationsDone == before + 2 * LocalSetup.parameters.iterations)
        }
    }

    @Test func whatCannotBeHashedIsUnavailableAndNotWrong() async throws {
        let setup = try LocalSetup(hashing: PasswordHashing(threads: 1, capacity: 3))
        try await setup.accounts.add("juliet", password: "right")
        let past = ContinuousClock.now - .seconds(1)
        let late = await setup.accounts.verify(password: Array("right".utf8), user: "juliet", deadline: past)
        #expect(late == .unavailable("the password could not be checked in time"))
        await setup.hashing.shutdown()
        let refused = await setup.accounts.verify("right", user: "juliet")
        #expect(refused == .unavailable("too many passwords wait to be checked"))
        await setup.end()
    }

    @Test func aClosedDatabaseIsUnavailable() async throws {
        let setup = try LocalSetup()
        setup.database.close()
        #expect(await setup.accounts.verify("x", user: "a") == .unavailable("the database is closed"))
        #expect(await setup.accounts.scramKeys(user: "a", hash: .sha1) == .unavailable("the database is closed"))
        #expect(await setup.accounts.existence(of: "a", deadline: later) == .unavailable("the database is closed"))
        await setup.end()
    }
}
