import Foundation
import Testing

@testable import Accounts

/// What the directory is asked, and what not, by its own log. One slapd, one test after the other.
@Suite(.serialized, .timeLimit(.minutes(2))) struct DirectoryTrafficTests {
    /// The requests that the primary has logged since, as `conn=1 op=2 SRCH base=…`. Only requests: slapd writes down
    /// connections and results when it finds the time.
    private func asked(_ directory: TestDirectory, since: Int) throws -> [Substring] {
        try directory.log().dropFirst(since).matches(of: /conn=\d+ op=\d+ (BIND.*method=128|SRCH base.*)/).map(
            \.output.0)
    }

    private func connections(_ requests: [Substring], with text: String = "conn") -> Set<Substring> {
        Set(requests.filter { $0.contains(text) }.map { $0.prefix { $0 != " " } })
    }

    @Test func anEmptyPasswordIsRefusedWithoutAskingTheDirectory() async throws {
        let directory = try await TestDirectory.quiet.value
        let before = try directory.log().count
        try await withAccounts(directory.configuration) { accounts in
            #expect(await accounts.verify("", "alice") == .rejected)
            #expect(await accounts.verify("", "nobody.at.all") == .rejected)
            #expect(await accounts.verify("pw-alice", "") == .rejected)
        }
        #expect(try asked(directory, since: before).isEmpty)
    }

    @Test func identicalQuestionsAreAskedOnceAndRemembered() async throws {
        let directory = try await TestDirectory.quiet.value
        let clock = ManualClock()
        try await withAccounts(directory.configuration, now: { clock.now }) { (accounts) async throws in
            func searches() throws -> Int { try directory.log().matches(of: /SRCH .*uid=asked\.often/).count }
            await withTaskGroup { group in
                for _ in 0..<50 { group.addTask { #expect(await accounts.existence(of: "asked.often") == .unknown) } }
            }
            #expect(try searches() == 1)
            #expect(await accounts.verify("x", "asked.often") == .unknown)
            #expect(await accounts.existence(of: "asked.often") == .unknown)
            #expect(try searches() == 1)
            clock.advance(by: .seconds(61))
            #expect(await accounts.existence(of: "asked.often") == .unknown)
            #expect(try searches() == 2)
        }
    }

    /// It would lock the account: the same password is not tried again.
    @Test func aRefusedServiceAccountIsTriedOnce() async throws {
        let directory = try await TestDirectory.quiet.value
        var configuration = directory.configuration
        configuration.passwordFile = directory.folder + "/pki/wrong"
        try "wrong".write(toFile: directory.folder + "/pki/wrong", atomically: true, encoding: .utf8)
        try await withAccounts(configuration) { (accounts) async throws in
            let before = try directory.log().count
            for _ in 0..<10 { #expect(await accounts.verify("pw-alice", "alice").isUnavailable) }
            #expect(try asked(directory, since: before).count == 1)
            // Once the file is right the next probe succeeds.
            try TestDirectory.bindPassword.write(
                toFile: directory.folder + "/pki/wrong", atomically: true, encoding: .utf8)
            while await accounts.verify("pw-alice", "alice") != .accepted {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        try "wrong".write(toFile: directory.folder + "/pki/wrong", atomically: true, encoding: .utf8)
        try await withAccounts(configuration) { accounts in
            let complaint = await accounts.check().first?.sentence ?? ""
            #expect(complaint.contains(TestDirectory.bindDN))
            #expect(complaint.hasSuffix("correct bind-dn or the file"))
        }
    }

    @Test func connectionsAreKeptAndNeverSharedWithTheServiceAccount() async throws {
        let directory = try await TestDirectory.quiet.value
        let before = try directory.log().count
        try await withAccounts(directory.configuration) { accounts in
            for _ in 0..<20 { #expect(await accounts.verify("pw-alice", "alice") == .accepted) }
        }
        let requests = try asked(directory, since: before)
        #expect(connections(requests, with: "BIND dn=\"uid=alice,").count == 1)
        #expect(connections(requests, with: "BIND dn=\"cn=xmpp,").count == 1)
        #expect(connections(requests).count == 2)
    }

    @Test func noMoreConnectionsThanAllowed() async throws {
        let directory = try await TestDirectory.quiet.value
        var configuration = directory.configuration
        configuration.limits.bindConnections = 3
        let before = try directory.log().count
        try await withAccounts(configuration) { accounts in
            await withTaskGroup { group in
                for _ in 0..<50 { group.addTask { #expect(await accounts.verify("pw-bob", "bob") == .accepted) } }
            }
        }
        #expect(try connections(asked(directory, since: before), with: "BIND dn=\"uid=bob,").count <= 3)
    }

    /// Kept connections are tried when idle and replaced when old, without anybody noticing.
    @Test func keptConnectionsAreCaredFor() async throws {
        let directory = try await TestDirectory.quiet.value
        var configuration = directory.configuration
        configuration.timeouts.idleCheck = .milliseconds(20)
        let before = try directory.log().count
        try await withAccounts(configuration) { (accounts) async throws in
            #expect(await accounts.verify("pw-alice", "alice") == .accepted)
            while try asked(directory, since: before).count(where: { $0.contains("SRCH base=\"\" scope=0") }) < 4 {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(await accounts.verify("pw-alice", "alice") == .accepted)
            // A log-in that comes while its connection is being tried opens another.
            #expect(try connections(asked(directory, since: before)).count <= 3)
        }
        configuration.timeouts.renewal = .milliseconds(50)
        try await withAccounts(configuration) { (accounts) async throws in
            while try connections(asked(directory, since: before)).count < 6 {
                #expect(await accounts.verify("pw-alice", "alice") == .accepted)
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }
}
