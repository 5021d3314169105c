import Accounts
import Foundation
import Logging
import NIOCore
import Server
import Storage
import Testing
import XMPP

@testable import Features

/// A server that is killed has archived every message that it has acknowledged (XEP-0198 §4).
///
/// The test starts its own test program a second time, for this test only; in that process the variable is set and the
/// same function is the server. Set MARTLET_KILL_ROUNDS for more than a few rounds.
@Suite(.serialized) struct KilledServerTests {
    private static let variable = "FEATURES_TESTS_KILLED_SERVER"
    private static let rounds = ProcessInfo.processInfo.environment["MARTLET_KILL_ROUNDS"].flatMap(Int.init) ?? 3

    @Test func everyAcknowledgedMessageIsArchived() async throws {
        if let folder = ProcessInfo.processInfo.environment[Self.variable] { try await Self.serve(folder) }
        let folder = NSTemporaryDirectory() + "features-tests-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var acknowledged: [String] = []
        for round in 0..<Self.rounds {
            let process = try ServerProcess(folder, variable: Self.variable, filter: "everyAcknowledgedMessageIsArchived")
            acknowledged += try await Self.talk(round, to: process)
            process.end()
        }
        #expect(acknowledged.count >= Self.rounds * 20)
        let archive = try MonthlyArchive(directory: folder) { DateTime.now.milliseconds }
        for owner in ["user1@localhost", "user2@localhost"] {
            let kept = try await Self.bodies(of: owner, in: archive)
            #expect(acknowledged.filter { !kept.contains($0) } == [], "\(owner)")
        }
        archive.close()
    }

    /// The other process.
    private static func serve(_ folder: String) async throws -> Never {
        var configuration = Configuration(
            domains: [DomainSection(name: "localhost")],
            listeners: [ListenerSection(kind: .client, port: 0, address: .loopback, tls: .none)], data: folder)
        configuration[LimitSettings.stanzasPerSecond] = 1_000_000
        configuration[LimitSettings.stanzasBurst] = 1_000_000
        let server = try await Server(
            configuration: configuration, features: allFeatures,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, loops: 2)
        for number in 1...2 { try? await server.localAccounts(of: "localhost")?.add("user\(number)", password: "pw\(number)") }
        FileHandle.standardError.write(Data("port \(server.ports[0])\n".utf8))
        while true { try await Task.sleep(for: .seconds(60)) }
    }

    /// Sends messages until the server is killed.
    /// - Returns: the bodies of those that were acknowledged.
    private static func talk(_ round: Int, to process: ServerProcess) async throws -> [String] {
        let sender = try await TestClient(
            user: "user1", password: "pw1", resource: "desk", domain: "localhost", port: process.port)
        let receiver = try await TestClient(
            user: "user2", password: "pw2", resource: "desk", domain: "localhost", port: process.port)
        receiver.send("<presence/>")
        sender.send("<enable xmlns='urn:xmpp:sm:3'/>")
        _ = try await sender.next()
        let life = ContinuousClock.now + .milliseconds(Int.random(in: 300...1_500))
        var sent: [String] = []
        var acknowledged = 0
        func read() {
            for received in sender.take() where received.element.isNamed("a") {
                acknowledged = max(acknowledged, received.element["h"].flatMap { Int($0) } ?? 0)
            }
        }
        while ContinuousClock.now < life {
            for _ in 0..<Int.random(in: 1...20) {
                let body = "round \(round) message \(sent.count)"
                sent.append(body)
                sender.send("<message to='user2@localhost' type='chat' id='\(sent.count)'><body>\(body)</body></message>")
            }
            sender.send("<r xmlns='urn:xmpp:sm:3'/>")
            try await Task.sleep(for: .milliseconds(5))
            read()
            // Not faster than the server answers: what is read late would seem to be unacknowledged, and prove nothing.
            while sent.count - acknowledged > 400, ContinuousClock.now < life {
                try await Task.sleep(for: .milliseconds(2))
                read()
            }
        }
        process.kill()
        read()
        await sender.vanish()
        await receiver.vanish()
        return Array(sent.prefix(acknowledged))
    }

    private static func bodies(of owner: String, in archive: MonthlyArchive) async throws -> Set<String> {
        var bodies = Set<String>()
        var query = ArchiveQuery(owner: owner, limit: 1_000)
        while true {
            let page = try await archive.page(query) { _, payload, buffer in try payload(&buffer) }
            for result in page?.results ?? [] {
                if let body = try StanzaParser().parse(result.rendered).child("body")?.text { bodies.insert(body) }
            }
            guard let last = page?.results.last?.place, page?.isComplete == false else { return bodies }
            query.pageAfter = last
        }
    }
}

/// A server in a process of its own, which is killed at the latest when the test ends.
private final class ServerProcess {
    let port: Int
    private let process = Process()

    init(_ folder: String, variable: String, filter: String) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["--testing-library", "swift-testing", "--filter", filter]
        process.environment = ProcessInfo.processInfo.environment.merging([variable: folder]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = output
        try process.run()
        var text = ""
        var found: Int?
        while found == nil {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { break }
            text += String(decoding: more, as: UTF8.self)
            found = text.split(separator: "\n").first { $0.hasPrefix("port ") && text.contains("\($0)\n") }
                .flatMap { Int($0.dropFirst(5)) }
        }
        port = try #require(found, "the server did not start: \(text)")
    }

    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    func end() {
        kill()
        process.waitUntilExit()
    }
}
