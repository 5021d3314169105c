import TLS
import Testing
import XMPP

@testable import Accounts

/// Log-ins of the test bed's people, against a real slapd.
@Suite struct DirectoryLogInTests {
    @Test(arguments: ["startTLS", "ldaps"])
    func passwordsAreTriedOverTLS(_ kind: String) async throws {
        let directory = try await TestDirectory.shared.value
        var configuration = directory.configuration
        if kind == "ldaps" { configuration.servers = [directory.ldaps] }
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.verify("pw-bob", "bob") == .accepted)
            #expect(await accounts.verify("wrong", "carol") == .rejected)
            #expect(await accounts.verify("pw-nobody", "nobody.at.all") == .unknown)
        }
    }

    @Test(arguments: [
        ("alice", "pw-alice"), ("liu.yang", "pw-liu.yang"), ("minimal", "pw-minimal"),
        ("pw.utf8", "pässwörd-密码-🔑"), ("pw.nfd", "caf\u{e9}-\u{c5}"), ("pw.space", "  two  spaces  "),
        ("pw.special", "a:b,c=d\\e\"f<g>&h;i'j"), ("pw.long", String(repeating: "x", count: 120) + "-end"),
        ("zhang.wei", "pw-zhang.wei"), ("李雷", "pw-李雷"), ("comma.smith", "pw-comma.smith"), ("plus.lee", "pw-plus.lee"),
        ("multi.rdn", "pw-multi.rdn"), ("backslash.bo", "pw-backslash.bo"), ("quote.rock", "pw-quote.rock"),
        ("hash.tag", "pw-hash.tag"), ("star*user", "pw-star*user"), ("paren(x)", "pw-paren(x)"),
        ("at\\40home", "pw-at@home"), ("space\\20user", "pw-space user"), ("o\\27brien", "pw-o'brien"),
        ("a\\26b\\3cc\\3e\\2fd", "pw-a&b<c>/d"), ("back\\slash", "pw-back\\slash"), ("back\\5cslash", "pw-back\\slash"),
        ("mixedcase", "pw-MixedCase"), ("josé", "pw-josé"), ("expiring.olga", "pw-expiring.olga"),
    ])
    func oddNamesAndPasswordsWork(_ user: String, _ password: String) async throws {
        try await withAccounts(try await TestDirectory.shared.value.configuration) { accounts in
            #expect(await accounts.verify(password, user) == .accepted)
            #expect(await accounts.verify(password + "!", user) == .rejected)
            #expect(await accounts.existence(of: user) == .exists)
        }
    }

    /// Each would find somebody if it were put into the filter as it is, or if the directory's matching were trusted.
    @Test(arguments: [
        "*", "al*", "alice)(uid=*", "*)(uid=*))(|(uid=*", "alice)(|(objectClass=*)", "alice\\2a", "\\2a", "\u{0}",
        "alice\u{0}",
        "space\\20\\20user", "\\20alice", "jose", "(alice)", "alice,ou=people", "cn=alice", "Paren (X) User)(uid=*",
    ])
    func noNameLeavesTheFilter(_ user: String) async throws {
        try await withAccounts(try await TestDirectory.shared.value.configuration) { accounts in
            #expect(await accounts.verify("pw-alice", user) == .unknown)
            #expect(await accounts.existence(of: user) == .unknown)
        }
    }

    @Test(arguments: [
        ("locked.judy", PasswordCheck.rejected), ("pwexpired.ken", .refused(.passwordExpired)),
        ("mustchange.mia", .refused(.passwordExpired)), ("grace.nina", .accepted),
        // Her password cannot be right.
        ("nopass.rita", .rejected),
        // Outside the base.
        ("former.quinn", .unknown),
    ])
    func theReasonIsUnderstood(_ user: String, _ verdict: PasswordCheck) async throws {
        try await withAccounts(try await TestDirectory.shared.value.configuration) { accounts in
            #expect(await accounts.verify("pw-\(user)", user) == verdict)
        }
    }

    @Test func aWrongPasswordTellsNothingAboutTheAccount() async throws {
        try await withAccounts(try await TestDirectory.shared.value.configuration) { accounts in
            for user in ["locked.judy", "pwexpired.ken", "mustchange.mia"] {
                #expect(await accounts.verify("wrong", user) == .rejected, "\(user)")
            }
        }
    }

    @Test func aFilterKeepsDisabledPeopleOut() async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.verify("pw-disabled.ivan", "disabled.ivan") == .accepted)
        }
        configuration.filter = "(&(objectClass=person)(uid={user})(!(employeeType=disabled)))"
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.verify("pw-disabled.ivan", "disabled.ivan") == .unknown)
            #expect(await accounts.verify("pw-frank", "frank") == .accepted)
        }
    }

    @Test func aNameOfSeveralPeopleIsRefused() async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        configuration.filter = "(mail={user}@example.test)"
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.verify("pw-dupmail.sam1", "shared") == .rejected)
            #expect(await accounts.verify("pw-dupmail.sam2", "shared") == .rejected)
            #expect(await accounts.entry(of: "shared", deadline: .now + .seconds(60)) == .ambiguous)
            #expect(await accounts.verify("pw-bob", "robert") == .accepted)
        }
    }

    @Test(arguments: [
        ("comma.smith", PasswordCheck.rejected), ("alice", .accepted), ("nobody.at.all", .rejected),
        ("a,b", .rejected), ("+x=y", .rejected), ("\\20alice", .rejected), ("star*user", .accepted),
        ("o\\27brien", .accepted),
        ("李雷", .accepted), ("back\\5cslash", .accepted), ("space\\20user", .accepted),
    ])
    func aTemplateBindsWithoutSearching(_ user: String, _ verdict: PasswordCheck) async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        configuration.base = nil
        configuration.bindDN = nil
        configuration.passwordFile = nil
        configuration.userTemplate = "uid={user},\(TestDirectory.people)"
        try await withAccounts(configuration) { accounts in
            let name = JIDEscaping.unescape(user)
            #expect(await accounts.verify("pw-\(name)", user) == verdict)
        }
    }

    @Test func aTemplateWithABaseHonoursTheFilter() async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        configuration.bindDN = nil
        configuration.passwordFile = nil
        configuration.userTemplate = "uid={user},\(TestDirectory.people)"
        configuration.filter = "(&(uid={user})(!(employeeType=disabled)))"
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.verify("pw-dave", "dave") == .accepted)
            #expect(await accounts.verify("pw-disabled.ivan", "disabled.ivan") == .refused(.notAllowed))
            #expect(await accounts.verify("wrong", "disabled.ivan") == .rejected)
        }
    }

    @Test func theEntryHasTheAttributesAskedFor() async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        configuration.attributes = ["mail", "entryUUID", "cn"]
        try await withAccounts(configuration) { accounts in
            guard case .found(let entry) = await accounts.entry(of: "bob", deadline: .now + .seconds(60)) else {
                Issue.record("bob has an entry")
                return
            }
            #expect(entry.dn == "uid=bob,\(TestDirectory.people)")
            #expect(entry["mail"].count == 3)
            #expect(entry["entryuuid"].count == 1)
            #expect(entry["cn"] == [Array("Bob Braun".utf8)])
            #expect(entry["title"] == [])
        }
    }

    @Test func manyLogInsAtOnce() async throws {
        try await withAccounts(try await TestDirectory.shared.value.configuration) { accounts in
            let users = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "liu.yang", "minimal"]
            await withTaskGroup(of: (Bool, PasswordCheck).self) { group in
                for index in 0..<200 {
                    let user = users[index % users.count]
                    let isRight = index % 50 != 7
                    group.addTask { (isRight, await accounts.verify(isRight ? "pw-\(user)" : "wrong", user)) }
                }
                for await (isRight, verdict) in group { #expect(verdict == (isRight ? .accepted : .rejected)) }
            }
        }
    }

    @Test func logInsBeyondTheLimitAreTurnedAway() async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        configuration.limits.logIns = 8
        try await withAccounts(configuration) { accounts in
            let verdicts = await withTaskGroup(of: PasswordCheck.self) { group in
                for _ in 0..<100 { group.addTask { await accounts.verify("pw-erin", "erin") } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(verdicts.contains(.accepted))
            #expect(verdicts.allSatisfy { $0 == .accepted || $0.isUnavailable })
            #expect(await accounts.verify("pw-erin", "erin") == .accepted)
        }
    }

    /// From the top of the tree slapd answers with a reference to another server, too; it is not followed.
    @Test func referralsAreNotFollowed() async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        configuration.base = "dc=example,dc=test"
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.verify("pw-carol", "carol") == .accepted)
            #expect(await accounts.verify("pw-former.quinn", "former.quinn") == .accepted)
            #expect(await accounts.verify("pw-sub.anna", "sub.anna") == .unknown)
        }
    }

    @Test func answersBeyondTheLimitAreRefused() async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        configuration.attributes = ["jpegPhoto"]
        configuration.limits.messageSize = 10_000
        try await withAccounts(configuration) { accounts in
            guard case .unavailable = await accounts.entry(of: "grace", deadline: .now + .seconds(60)) else {
                Issue.record("grace's photo is larger than the limit")
                return
            }
            #expect(await accounts.verify("pw-dave", "dave") == .accepted)
        }
    }

    @Test func thereAreNoSCRAMKeys() async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        configuration.filter = "(|(uid={user})(mail={user}@example.test))"
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.scramKeys(user: "erin", hash: .sha256) == .none)
            #expect(await accounts.scramKeys(user: "shared", hash: .sha256) == .none)
            #expect(await accounts.scramKeys(user: "nobody.at.all", hash: .sha256) == .unknown)
        }
        configuration.userTemplate = "uid={user},\(TestDirectory.people)"
        configuration.bindDN = nil
        configuration.passwordFile = nil
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.scramKeys(user: "erin", hash: .sha256) == .unknown)
            #expect(await accounts.existence(of: "erin") != .unknown)
        }
    }
}
