import FaultyDisk
import Foundation
import Storage
import Testing
import XMPP

@testable import Features

/// A server that is killed has archived every message that it has acknowledged (XEP-0198 §4), for both of the two,
/// once, and in the order in which it was sent; also if the disk is slow, or was full for a while.
///
/// Set MARTLET_KILL_ROUNDS for more than a few rounds.
@Suite(.serialized) struct KilledServerTests {
    private static let rounds = ProcessInfo.processInfo.environment["MARTLET_KILL_ROUNDS"].flatMap(Int.init) ?? 10

    /// A slow disk shows what is promised too early: much is lost with the process.
    private static let faults: [[FaultyDisk.Fault?]] = [[nil], [nil, .slow], [nil, .full, nil]]

    @Test func everyAcknowledgedMessageIsArchived() async throws {
        try await ServerProcess.serveIfAsked()
        let folder = NSTemporaryDirectory() + "features-tests-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var ledgers = [Ledger(sender: "user1"), Ledger(sender: "user2")]
        for round in 0..<Self.rounds {
            let process = try ServerProcess(folder, test: "everyAcknowledgedMessageIsArchived")
            defer { process.end() }
            let refused = ledgers.map(\.refused.count)
            let promised = ledgers.map(\.promised.count)
            try await Self.talk(&ledgers, to: process, faults: Self.faults[round % 3])
            #expect(zip(ledgers, promised).allSatisfy { $0.promised.count >= $1 + 10 })
            if round % 3 == 2 { #expect(zip(ledgers, refused).allSatisfy { $0.refused.count > $1 }) }
        }
        let archive = try MonthlyArchive(directory: folder) { DateTime.now.milliseconds }
        for owner in ledgers.map({ "\($0.sender)@localhost" }) {
            let bodies = try await Self.bodies(of: owner, in: archive)
            for ledger in ledgers { ledger.check(bodies, of: owner) }
        }
        archive.close()
    }

    /// Lets the two write to each other until the server is killed.
    /// - Parameter faults: what is wrong with the disk, one after the other.
    private static func talk(_ ledgers: inout [Ledger], to process: ServerProcess, faults: [FaultyDisk.Fault?]) async throws {
        var clients: [TestClient] = []
        for number in 1...2 {
            let client = try await TestClient(
                user: "user\(number)", password: "pw\(number)", resource: "desk", domain: "localhost", port: process.port)
            client.send("<presence/>")
            await client.ping()
            // Only messages are counted from here on.
            client.send("<enable xmlns='urn:xmpp:sm:3'/>")
            clients.append(client)
        }
        for (part, fault) in faults.enumerated() {
            process.setFault(fault)
            let begin = ContinuousClock.now
            let end = begin + .milliseconds(Int.random(in: 100...500))
            let refused = ledgers.map(\.refused.count)
            let isLast = part == faults.count - 1
            // On a busy machine it takes longer until something is proven.
            func isProven() -> Bool {
                (fault != .full || zip(ledgers, refused).allSatisfy { $0.refused.count > $1 })
                    && (!isLast || ledgers.allSatisfy { $0.promisedLately >= 10 })
            }
            while ContinuousClock.now < end || (!isProven() && ContinuousClock.now < begin + .seconds(30)) {
                for (index, client) in clients.enumerated() {
                    ledgers[index].read(client.take())
                    // Not faster than the server answers: what is read late would seem to be unacknowledged, and prove nothing.
                    guard ledgers[index].unacknowledged < 400 else { continue }
                    for _ in 0..<Int.random(in: 1...20) {
                        client.send(ledgers[index].message(to: "user\(2 - index)@localhost"))
                    }
                    client.send("<r xmlns='urn:xmpp:sm:3'/>")
                }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        process.kill()
        for (index, client) in clients.enumerated() {
            ledgers[index].read(client.take())
            ledgers[index].close()
            await client.vanish()
        }
    }

    private static func bodies(of owner: String, in archive: MonthlyArchive) async throws -> [String] {
        var bodies: [String] = []
        var query = ArchiveQuery(owner: owner, limit: 1_000)
        while true {
            let page = try await archive.page(query) { _, payload, buffer in try payload(&buffer) }
            for result in page?.results ?? [] {
                if let body = try StanzaParser().parse(result.rendered).child("body")?.text { bodies.append(body) }
            }
            guard let last = page?.results.last?.place, page?.isComplete == false else { return bodies }
            query.pageAfter = last
        }
    }
}
