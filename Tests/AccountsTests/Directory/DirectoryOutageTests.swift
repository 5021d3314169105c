import Logging
import NIOCore
import NIOPosix
import Testing

@testable import Accounts

/// Directories that hang, stop and come back. One slapd, one test after the other.
@Suite(.serialized, .timeLimit(.minutes(2))) struct DirectoryOutageTests {
    private func configuration() async throws -> (TestDirectory, DirectoryConfiguration) {
        let directory = try await TestDirectory.fragile.value
        var configuration = directory.configuration
        configuration.timeouts.connect = .seconds(1)
        configuration.timeouts.tls = .seconds(1)
        configuration.timeouts.operation = .seconds(1)
        return (directory, configuration)
    }

    /// Tries until it works; the suite's time limit ends it otherwise.
    private func untilAccepted(_ accounts: DirectoryAccounts) async throws {
        while true {
            let verdict = await accounts.verify("pw-alice", "alice")
            if verdict == .accepted { return }
            #expect(verdict.isUnavailable)
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Whatever happens in `body`, the servers run when it is over.
    private func restoring(
        _ directory: TestDirectory, _ server: String, by command: String, _ body: () async throws -> Void
    ) async throws {
        do { try await body() } catch {
            try await directory.control(command, server)
            throw error
        }
        try await directory.control(command, server)
    }

    @Test(arguments: ["startTLS", "ldaps"])
    func aHungDirectoryIsUnavailableAndRecovers(_ kind: String) async throws {
        var (directory, configuration) = try await configuration()
        if kind == "ldaps" { configuration.servers = [directory.ldaps] }
        try await withAccounts(configuration) { accounts in
            try await untilAccepted(accounts)
            try await restoring(directory, "primary", by: "resume") {
                try await directory.control("pause", "primary")
                // On a kept connection, then on a new one.
                for _ in 0..<3 { #expect(await accounts.verify("pw-alice", "alice").isUnavailable) }
                #expect(await accounts.verify("wrong", "carol").isUnavailable)
                guard case .unavailable = await accounts.existence(of: "bob") else {
                    Issue.record("a hung directory cannot know bob")
                    return
                }
            }
            try await untilAccepted(accounts)
            #expect(await accounts.verify("wrong", "heidi") == .rejected)
        }
    }

    @Test func aDirectoryThatHungFromTheStartRecovers() async throws {
        let (directory, configuration) = try await configuration()
        try await withAccounts(configuration) { accounts in
            try await restoring(directory, "primary", by: "resume") {
                try await directory.control("pause", "primary")
                #expect(await accounts.verify("pw-alice", "alice").isUnavailable)
            }
            try await untilAccepted(accounts)
        }
    }

    @Test func aBindThatHangsIsUnavailable() async throws {
        var (directory, configuration) = try await configuration()
        configuration.base = nil
        configuration.bindDN = nil
        configuration.passwordFile = nil
        configuration.userTemplate = "uid={user},\(TestDirectory.people)"
        try await withAccounts(configuration) { accounts in
            try await untilAccepted(accounts)
            try await restoring(directory, "primary", by: "resume") {
                try await directory.control("pause", "primary")
                #expect(await accounts.verify("wrong", "carol").isUnavailable)
            }
            try await untilAccepted(accounts)
        }
    }

    @Test func aStoppedDirectoryIsUnavailableAndRecovers() async throws {
        let (directory, configuration) = try await configuration()
        try await withAccounts(configuration) { accounts in
            try await untilAccepted(accounts)
            try await restoring(directory, "primary", by: "restart") {
                try await directory.control("stop", "primary")
                for _ in 0..<3 { #expect(await accounts.verify("pw-alice", "alice").isUnavailable) }
            }
            try await untilAccepted(accounts)
        }
    }

    @Test func aRestartIsNotNoticed() async throws {
        let (directory, configuration) = try await configuration()
        try await withAccounts(configuration) { accounts in
            try await untilAccepted(accounts)
            try await directory.control("restart", "primary")
            #expect(await accounts.verify("pw-alice", "alice") == .accepted)
        }
    }

    @Test(arguments: [("pause", "resume"), ("stop", "restart")])
    func theReplicaTakesOverAndThePrimaryComesBack(_ break: String, _ repair: String) async throws {
        var (directory, configuration) = try await configuration()
        configuration.servers = [directory.ldap, directory.replica]
        try await withAccounts(configuration) { accounts in
            try await untilAccepted(accounts)
            try await restoring(directory, "primary", by: repair) {
                try await directory.control(`break`, "primary")
                for _ in 0..<5 { #expect(await accounts.verify("pw-alice", "alice") == .accepted) }
                #expect(await accounts.verify("wrong", "heidi") == .rejected)
            }
            // Only the primary's log shows that it is asked again.
            let before = try directory.log().matches(of: /BIND dn="uid=alice/).count
            while try directory.log().matches(of: /BIND dn="uid=alice/).count == before {
                let verdict = await accounts.verify("pw-alice", "alice")
                #expect(verdict == .accepted || verdict.isUnavailable)
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    @Test func neitherAnEventLoopNorThePoolWaits() async throws {
        var (directory, configuration) = try await configuration()
        configuration.timeouts.operation = .seconds(30)
        configuration.timeouts.logIn = .seconds(3)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let accounts = try DirectoryAccounts(
            configuration, group: group, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await untilAccepted(accounts)
        try await restoring(directory, "primary", by: "resume") {
            try await directory.control("pause", "primary")
            let order = Order()
            await withTaskGroup(of: Void.self) { tasks in
                for _ in 0..<64 {
                    tasks.addTask {
                        #expect(await accounts.verify("pw-alice", "alice").isUnavailable)
                        order.append("log-in")
                    }
                }
                tasks.addTask {
                    for _ in 0..<100 { try? await group.next().submit {}.get() }
                    order.append("loop")
                }
                tasks.addTask {
                    for _ in 0..<100 { await Task.detached {}.value }
                    order.append("pool")
                }
            }
            #expect(Set(order.all.prefix(2)) == ["loop", "pool"])
        }
        await accounts.close()
        try await group.shutdownGracefully()
    }

    @Test func aLogInEndsWhenItIsCancelled() async throws {
        var (directory, configuration) = try await configuration()
        configuration.timeouts.operation = .seconds(600)
        configuration.timeouts.logIn = .seconds(600)
        try await withAccounts(configuration) { accounts in
            try await untilAccepted(accounts)
            try await restoring(directory, "primary", by: "resume") {
                try await directory.control("pause", "primary")
                let logIn = Task { await accounts.verify(password: [1], user: "dave", deadline: .now + .seconds(600)) }
                logIn.cancel()
                #expect(await logIn.value.isUnavailable)
            }
        }
    }

    @Test func theCallersDeadlineIsKept() async throws {
        var (directory, configuration) = try await configuration()
        configuration.timeouts.operation = .seconds(600)
        configuration.timeouts.logIn = .seconds(600)
        try await withAccounts(configuration) { accounts in
            try await untilAccepted(accounts)
            try await restoring(directory, "primary", by: "resume") {
                try await directory.control("pause", "primary")
                let deadline = ContinuousClock.now + .milliseconds(200)
                #expect(await accounts.verify(password: [1], user: "dave", deadline: deadline).isUnavailable)
                #expect(await accounts.existence(of: "somebody", deadline: .now) != .unknown)
            }
        }
    }
}
