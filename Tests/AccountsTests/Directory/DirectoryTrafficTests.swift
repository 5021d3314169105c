import Foundation
import Testing

@testable import Accounts

/// What the directory is asked, and what not, by its own log. One slapd, one test after the other.
@Suite(.serialized, .timeLimit(.minutes(2))) struct DirectoryTrafficTests {
    @Test func anEmptyPasswordIsRefusedWithoutAskingTheDirectory() async throws {
        let directory = try await TestDirectory.quiet.value
        let before = try directory.log().split(separator: "\n").count
        try await withAccounts(directory.configuration) { accounts in
            #expect(await accounts.verify("", "alice") == .rejected)
            #expect(await accounts.verify("", "nobody.at.all") == .rejected)
            #expect(await accounts.verify("pw-alice", "") == .rejected)
        }
        #expect(try directory.log().split(separator: "\n").count == before)
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

    private func refusals(_ directory: TestDirectory) throws -> Int {
        try directory.log().matches(of: /RESULT tag=97 err=49/).count
    }

    /// It would lock the account: the same password is not tried again.
    @Test func aRefusedServiceAccountIsTriedOnce() async throws {
        let directory = try await TestDirectory.quiet.value
        var configuration = directory.configuration
        configuration.passwordFile = directory.folder + "/pki/wrong"
        try "wrong".write(toFile: directory.folder + "/pki/wrong", atomically: true, encoding: .utf8)
        try await withAccounts(configuration) { (accounts) async throws in
            let before = try refusals(directory)
            for _ in 0..<10 { #expect(await accounts.verify("pw-alice", "alice").isUnavailable) }
            #expect(try refusals(directory) == before + 1)
            // Once the file is right the next probe succeeds.
            try TestDirectory.bindPassword.write(toFile: directory.folder + "/pki/wrong", atomically: true, encoding: .utf8)
            while await accounts.verify("pw-alice", "alice") != .accepted { try await Task.sleep(for: .milliseconds(20)) }
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
        let log = try String(directory.log().dropFirst(before))
        #expect(log.matches(of: /ACCEPT from/).count == 2)
        func connections(_ bind: Regex<(Substring, Substring)>) -> Set<Substring> { Set(log.matches(of: bind).map(\.output.1)) }
        let service = connections(/conn=(\d+) op=\d+ BIND dn="cn=xmpp,[^"]*" mech/)
        let users = connections(/conn=(\d+) op=\d+ BIND dn="uid=alice,[^"]*" mech/)
        #expect(service.count == 1)
        #expect(users.count == 1)
        #expect(service.isDisjoint(with: users))
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
        #expect(try directory.log().dropFirst(before).matches(of: /ACCEPT from/).count <= 4)
    }

    /// Kept connections are tried when idle and replaced when old, without anybody noticing.
    @Test func keptConnectionsAreCaredFor() async throws {
        let directory = try await TestDirectory.quiet.value
        var configuration = directory.configuration
        configuration.timeouts.idleCheck = .milliseconds(20)
        let before = try directory.log().count
        func log() throws -> String { try String(directory.log().dropFirst(before)) }
        try await withAccounts(configuration) { (accounts) async throws in
            #expect(await accounts.verify("pw-alice", "alice") == .accepted)
            while try log().matches(of: /SRCH base="" scope=0/).count < 4 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(await accounts.verify("pw-alice", "alice") == .accepted)
            #expect(try log().matches(of: /ACCEPT from/).count == 2)
        }
        configuration.timeouts.renewal = .milliseconds(50)
        try await withAccounts(configuration) { (accounts) async throws in
            while try log().matches(of: /ACCEPT from/).count < 6 {
                #expect(await accounts.verify("pw-alice", "alice") == .accepted)
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }
}
