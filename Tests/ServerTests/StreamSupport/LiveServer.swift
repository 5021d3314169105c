import Accounts
import Features
import Foundation
import Logging
import NIOCore
import Synchronization
import Testing

@testable import Server

/// A real server on a free loopback port, with its data in a temporary folder.
final class LiveServer: Sendable {
    let server: Server
    private let isStopped = Atomic<Bool>(false)

    private init(_ server: Server) { self.server = server }

    /// Runs a server for the time of a test.
    static func run(
        domains: [String] = ["localhost"], tls: ListenerSection.TLS = .optional, log: RecordedLog? = nil,
        _ configure: (inout Configuration) -> Void = { _ in }, _ body: (LiveServer) async throws -> Void
    ) async throws {
        let data = FileManager.default.temporaryDirectory.path + "/martlet-live-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: data) }
        var configuration = Configuration(
            domains: domains.map { DomainSection(name: $0) },
            listeners: [ListenerSection(kind: .client, port: 0, address: .loopback, tls: tls)], data: data)
        configuration[AccountSettings.passwordLength] = 1
        configure(&configuration)
        var logger = Logger(label: "martlet") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        if let log { logger = Logger(label: "martlet") { _ in log } }
        let live = LiveServer(
            try await Server(configuration: configuration, features: allFeatures, logger: logger, loops: 2))
        do {
            try await body(live)
        } catch {
            await live.stop()
            throw error
        }
        await live.stop()
    }

    /// Stops the server, once.
    func stop() async {
        if !isStopped.exchange(true, ordering: .relaxed) { await server.stop() }
    }

    var port: Int { server.ports[0] }

    /// An account that can log in: its name and password.
    func account(_ number: Int) async throws -> (name: String, password: String) {
        let accounts = try #require(try server.localAccounts(of: server.kernel.configuration.domains[0].name))
        if try await accounts.account("user\(number)") == nil {
            do {
                try await accounts.add("user\(number)", password: "pw\(number)")
            } catch AccountError.exists {
                // Another client of the same account was faster.
            }
        }
        return ("user\(number)", "pw\(number)")
    }

    /// A new connection, on which nothing was sent.
    func connect() async throws -> RawClient {
        try await RawClient.connect(port: port)
    }

    /// A client that has logged in and bound a resource.
    func logIn(_ number: Int, resource: String? = "test") async throws -> RawClient {
        let client = try await connect()
        try await logIn(client, number, resource: resource)
        return client
    }

    func logIn(_ client: RawClient, _ number: Int, resource: String? = "test") async throws {
        let account = try await account(number)
        try await client.authenticate(account.name, account.password)
        try await client.bind(resource)
    }

    /// The connections that are open.
    func streamCount() async throws -> Int {
        var count = 0
        for loop in server.kernel.loops { count += try await loop.eventLoop.submit { loop.current.streamCount }.get() }
        return count
    }

    /// Returns when so many connections are open.
    func awaitStreams(_ count: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while try await streamCount() != count {
            guard ContinuousClock.now < deadline else {
                throw RawClient.Failure.timeout("\(try await streamCount()) streams")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
