import Foundation
import NIOCore
import Server
import Testing
import XMPP

@testable import Features

/// XEP-0198: sessions survive their connections, whatever the connections do.
@Suite struct ResumptionTests {
    /// Two people write to each other while their connections are cut, left half open, and resumed on other event
    /// loops; each receives everything once and in order.
    @Test(arguments: 0..<100 as Range<UInt64>) func nothingIsLostOrDoubled(_ seed: UInt64) async throws {
        for story in 0..<Self.rounds { try await tell(seed + 100 * story) }
    }

    private func tell(_ seed: UInt64) async throws {
        try await TestServer.run(loops: 3, accounts: 2) { server in
            var random = Dice(state: seed)
            let people = [try await ManagedClient(server, 1, "a"), try await ManagedClient(server, 2, "b")]
            for person in people {
                person.send("<presence/>")
                await person.ping()
            }
            var sent = [0, 0]
            for _ in 0..<60 {
                let index = Int.random(in: 0..<2, using: &random)
                let person = people[index]
                switch Int.random(in: 0..<10, using: &random) {
                case 0: try await person.reconnect(isHalfOpen: false)
                case 1: try await person.reconnect(isHalfOpen: true)
                case 2: person.read(answers: true)
                case 3: person.ask()
                case 4: await person.ping()
                default:
                    let to = Bool.random(using: &random) ? people[1 - index].jid : people[1 - index].jid.bare
                    person.send("<message to='\(to)' type='chat'><body>\(sent[index])</body></message>")
                    sent[index] += 1
                }
            }
            for person in people { try await person.reconnect(isHalfOpen: false) }
            for _ in 0..<3 {
                for person in people { await person.ping() }
                for loop in server.kernel.loops { try await loop.eventLoop.submit {}.get() }
            }
            for (index, person) in people.enumerated() {
                person.read(answers: true)
                #expect(person.bodies == (0..<sent[1 - index]).map(String.init))
            }
        }
    }

    /// How many times a hundred stories are told.
    private static let rounds = ProcessInfo.processInfo.environment["MARTLET_ROUNDS"].flatMap(UInt64.init) ?? 1
}
