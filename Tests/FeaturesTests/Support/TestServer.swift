import Accounts
import Foundation
import Logging
import NIOCore
import Server
import Storage
import Synchronization
import Testing
import XMPP

@testable import Features

/// A server of a test's own, on a free port of the loopback interface, with data that goes when the test ends.
final class TestServer: Sendable {
    static let domain = "localhost"
    /// Those of RFC 6121.
    static let features: [any Feature.Type] = [
        ServiceDiscovery.self, Ping.self, Rosters.self, Subscriptions.self, Presences.self,
    ]

    var server: Server { current.withLock { $0 } }
    let data: String
    private let current: Mutex<Server>
    /// Starts the server anew.
    private let start: @Sendable () async throws -> Server
    private let clients = Mutex<[TestClient]>([])

    var kernel: Kernel { server.kernel }

    /// Starts a server, does something with it, and stops it.
    /// - Parameters:
    ///   - loops: one makes everything happen in the order in which it was sent.
    ///   - accounts: how many there are: user1, user2, …
    ///   - further: features besides those of RFC 6121.
    static func run(
        loops: Int = 1, accounts: Int = 3, further: [any Feature.Type] = [], _ configure: (inout Configuration) -> Void = { _ in },
        body: (TestServer) async throws -> Void
    ) async throws {
        let data = NSTemporaryDirectory() + "features-tests-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: data) }
        var configuration = Configuration(
            domains: [DomainSection(name: domain)],
            listeners: [ListenerSection(kind: .client, port: 0, address: .loopback, tls: .none)], data: data)
        configuration[LimitSettings.stanzasPerSecond] = 1_000_000
        configuration[LimitSettings.stanzasBurst] = 1_000_000
        // Tests that run beside many others take their time.
        configuration[LimitSettings.loginTime] = .seconds(300)
        configuration[AccountSettings.passwordLength] = 1
        configure(&configuration)
        let start: @Sendable () async throws -> Server = { [configuration] in
            try await Server(
                configuration: configuration,
                features: features + further,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, loops: loops)
        }
        let test = TestServer(try await start(), data: data, start)
        do {
            try await test.makeAccounts(accounts)
            try await body(test)
        } catch {
            await test.stop()
            throw error
        }
        await test.stop()
    }

    private init(_ server: Server, data: String, _ start: @escaping @Sendable () async throws -> Server) {
        current = Mutex(server)
        self.data = data
        self.start = start
    }

    /// Stops the server in order and starts it again, on another port.
    /// - Parameter meanwhile: called while no server runs.
    func restart(_ meanwhile: () async throws -> Void = {}) async throws {
        await server.stop()
        try await meanwhile()
        let next = try await start()
        current.withLock { $0 = next }
    }

    /// Makes the accounts user1, user2, … with the passwords pw1, pw2, …, and brings them into memory.
    private func makeAccounts(_ count: Int) async throws {
        let accounts = try #require(try server.localAccounts(of: Self.domain))
        for number in stride(from: 1, through: count, by: 1) {
            try await accounts.add("user\(number)", password: "pw\(number)")
        }
        for number in stride(from: 1, through: count, by: 1) { await load(try JID("user\(number)@\(Self.domain)")) }
    }

    func load(_ account: JID) async {
        await withCheckedContinuation { continuation in
            kernel.accounts.load(account) { _ in continuation.resume() }
        }
    }

    private func stop() async {
        for client in clients.withLock({ $0 }) { await client.disconnect() }
        await server.stop()
    }

    /// Logs in.
    func connect(
        _ user: Int, _ resource: String, resuming: (id: String, h: UInt32)? = nil
    ) async throws -> TestClient {
        let client = try await TestClient(
            user: "user\(user)", password: "pw\(user)", resource: resource, domain: Self.domain, port: server.ports[0],
            resuming: resuming)
        clients.withLock { $0.append(client) }
        return client
    }

    /// Logs in, asks for the roster and becomes available; what that brings is taken away.
    func goOnline(_ user: Int, _ resource: String, priority: Int = 0) async throws -> TestClient {
        let client = try await connect(user, resource)
        client.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
        client.send("<presence><priority>\(priority)</priority></presence>")
        try await settle()
        forget()
        return client
    }

    /// Forgets what the clients have received so far.
    func forget() {
        for client in clients.withLock({ $0 }) { _ = client.take() }
    }

    /// Waits until all that the clients have sent has had all its effects, and these have arrived.
    func settle() async throws {
        let clients = clients.withLock { $0 }
        for client in clients { await client.ping() }
        // The longest way is by the roster loop to the loop of a contact and from there to the loop of a session.
        for _ in 0..<4 {
            for loop in kernel.loops { try await loop.eventLoop.submit {}.get() }
        }
        for client in clients { await client.ping() }
    }

    /// What a client receives until it is enough: for what begins with the end of a connection, of which nobody tells
    /// when the server has noticed it.
    func received(by client: TestClient, until isEnough: ([Received]) -> Bool) async throws -> [Received] {
        var received = client.take()
        for _ in 0..<2_000 where !isEnough(received) {
            try await settle()
            received += client.take()
        }
        return received
    }

    /// What is on disk of a roster, after all that was to be written.
    func rosterOnDisk(of account: JID) async throws -> Roster {
        try await kernel.database.write { _ in }
        return try await kernel.database.read { try RosterStore.load(account, $0) }
    }

    func roster(of account: JID) -> Roster? { kernel.accounts[account]?.withState { $0.roster } }
}
