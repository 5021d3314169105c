import FaultyDisk
import Foundation
import Server
import XMPP

@testable import Features

/// A server for stories about rooms.
protocol RoomStage: ClientEntrance {
    /// Stops the server in order, and starts it again.
    func restart() async throws
    /// Makes the disk slow until the server is started again: then more is lost with a server that is killed.
    func slowDown()
    /// Kills the server, and starts it again.
    func kill() throws
    func truth(of room: String) async throws -> RoomTruth
    func settle() async throws
}

/// A server in the process of the test, which nobody can kill.
final class InnerStage: RoomStage {
    private let server: TestServer

    init(_ server: TestServer) { self.server = server }

    func connect(_ user: Int, _ resource: String, resuming: (id: String, h: UInt32)?) async throws -> TestClient {
        try await server.connect(user, resource, resuming: resuming)
    }

    func restart() async throws { try await server.restart() }
    func slowDown() {}
    func kill() throws { throw TestClientError(description: "the test would be killed") }
    func truth(of room: String) async throws -> RoomTruth { try await RoomTruth(of: try JID(room), server.kernel) }
    func settle() async throws { try await RoomTruth.settle(server.kernel) }
}

/// A server in a process of its own.
final class OuterStage: RoomStage {
    private let folder = NSTemporaryDirectory() + "features-tests-" + UUID().uuidString
    private let test: String
    private var process: ServerProcess

    /// - Parameter test: the name of the test that calls `serveIfAsked`.
    init(test: String) throws {
        self.test = test
        process = try ServerProcess(folder, test: test)
    }

    func end() {
        process.end()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Serves, in the process that is the server.
    static func serveIfAsked() async throws {
        try await ServerProcess.serveIfAsked(accounts: 4) { question, server in
            let words = question.split(separator: " ").map(String.init)
            switch words.first {
            case "stop": await server.stop()
            case "settle": try await RoomTruth.settle(server.kernel)
            case "truth":
                let truth = try await RoomTruth(of: try JID(words[1]), server.kernel)
                return String(decoding: try JSONEncoder().encode(truth), as: UTF8.self)
            default: return nil
            }
            return "done"
        }
    }

    func connect(_ user: Int, _ resource: String, resuming: (id: String, h: UInt32)?) async throws -> TestClient {
        try await TestClient(
            user: "user\(user)", password: "pw\(user)", resource: resource, domain: "localhost", port: process.port,
            resuming: resuming)
    }

    func restart() async throws {
        _ = try process.ask("stop")
        try kill()
    }

    func slowDown() { process.setFault(.slow) }

    func kill() throws {
        process.end()
        process = try ServerProcess(folder, test: test)
    }

    func truth(of room: String) async throws -> RoomTruth {
        try JSONDecoder().decode(RoomTruth.self, from: Data(try process.ask("truth \(room)").utf8))
    }

    func settle() async throws { _ = try process.ask("settle") }
}
