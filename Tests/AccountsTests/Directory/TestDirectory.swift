import Foundation
import Logging
import NIOPosix

@testable import Accounts

/// A real slapd with the test bed's company, on free ports; it ends with the test process.
final class TestDirectory: Sendable {
    /// Primary and replica, for tests that leave them as they are.
    static let shared = Task { try await TestDirectory(options: []) }
    /// The same, for tests that pause and stop them, one after the other.
    static let fragile = Task { try await TestDirectory(options: []) }
    /// One server, for tests that look into its log, one after the other.
    static let quiet = Task { try await TestDirectory(options: ["--no-replica"]) }
    static let wrongHost = Task { try await TestDirectory(options: ["--no-replica", "--certificate", "wronghost"]) }
    static let expired = Task { try await TestDirectory(options: ["--no-replica", "--certificate", "expired"]) }

    let folder: String
    private let settings: [String: String]

    init(options: [String]) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "directory-\(UUID().uuidString)").path
        try await Self.run(
            "start.sh", ["--dir", folder, "--auto-ports", "--users", "0", "--for", "\(getpid())"] + options)
        let lines = try String(contentsOfFile: folder + "/env.sh", encoding: .utf8).split(separator: "\n")
        settings = Dictionary(
            uniqueKeysWithValues: lines.map { line in
                let parts = line.dropFirst("export ".count).split(separator: "=", maxSplits: 1)
                return (String(parts[0]), String(parts[1]).replacing("\\", with: ""))
            })
        try Self.bindPassword.write(toFile: passwordFile, atomically: true, encoding: .utf8)
    }

    static let people = "ou=people,dc=example,dc=test"
    static let bindDN = "cn=xmpp,ou=services,dc=example,dc=test"
    static let bindPassword = "xmpp-reader-secret\n"

    var passwordFile: String { folder + "/pki/password" }
    var authorities: String { folder + "/pki/ca.pem" }
    var otherAuthorities: String { folder + "/pki/other-ca.pem" }
    var ldap: String { settings["LDAP_URI"] ?? "" }
    var ldaps: String { settings["LDAPS_URI"] ?? "" }
    var replica: String { settings["LDAP_URI2"] ?? "" }

    /// StartTLS to the primary, the test CA, search then bind.
    var configuration: DirectoryConfiguration {
        var configuration = DirectoryConfiguration(servers: [ldap], base: Self.people)
        configuration.authorities = authorities
        configuration.bindDN = Self.bindDN
        configuration.passwordFile = passwordFile
        return configuration
    }

    /// pause, resume, stop or restart of primary or replica.
    func control(_ command: String, _ server: String) async throws {
        try await Self.run("ctl.sh", ["--dir", folder, command, server])
    }

    /// What the primary has logged so far.
    func log() throws -> String {
        try String(contentsOfFile: folder + "/primary.log", encoding: .utf8)
    }

    private static func run(_ script: String, _ arguments: [String]) async throws {
        let testbed = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../testbed/openldap")
        let process = Process()
        process.executableURL = testbed.appending(path: script).standardizedFileURL
        process.arguments = arguments
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        let status = try await withCheckedThrowingContinuation { (done: CheckedContinuation<Int32, any Error>) in
            process.terminationHandler = { done.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { done.resume(throwing: error) }
        }
        guard status == 0 else {
            let text = String(decoding: (try? errors.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
            throw ScriptFailure(
                description: "\(script) failed (make test installs what Tests/testbed/install.sh names): \(text)")
        }
    }

    struct ScriptFailure: Error, CustomStringConvertible { let description: String }
}

/// Runs `body` with the accounts of a directory, and closes its connections.
func withAccounts<Result>(
    _ configuration: DirectoryConfiguration, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    _ body: (DirectoryAccounts) async throws -> Result
) async throws -> Result {
    let accounts = try DirectoryAccounts(
        configuration, group: MultiThreadedEventLoopGroup.singleton,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        now: now)
    do {
        let result = try await body(accounts)
        await accounts.close()
        return result
    } catch {
        await accounts.close()
        throw error
    }
}

extension DirectoryAccounts {
    /// With a deadline that only guards against hangs.
    func verify(_ password: String, _ user: String) async -> PasswordCheck {
        await verify(password: Array(password.utf8), user: user, deadline: .now + .seconds(60))
    }

    func existence(of user: String) async -> Existence {
        await existence(of: user, deadline: .now + .seconds(60))
    }
}

extension PasswordCheck {
    var isUnavailable: Bool { if case .unavailable = self { true } else { false } }
}
