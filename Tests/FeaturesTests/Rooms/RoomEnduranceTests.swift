import Foundation
import Server
import Testing
import XMPP

@testable import Features

/// Nobody falls out of a room unknowingly, whatever happens to connections, to the server, to rooms and to people.
@Suite struct RoomEnduranceTests {
    private static let hall = RoomVisitor.kept
    private static let den = "den@rooms.localhost"

    /// People come and go, are renamed, kicked and banned, rooms are closed and destroyed, connections are cut and left
    /// half open, the server is restarted: in the end what each client believes equals what the room believes, and
    /// nothing that was said during a visit is missing.
    @Test(arguments: 0..<100 as Range<UInt64>) func beliefEqualsTruth(_ seed: UInt64) async throws {
        for story in 0..<Self.rounds {
            try await TestServer.run(loops: 3, accounts: 4, further: [MultiUserChat.self]) { server in
                try await tell(seed + 100 * story, on: InnerStage(server))
            }
        }
    }

    /// The same, and the server is killed besides (SIGKILL). Then nobody is in a room, and everybody finds that out by
    /// trying to resume their session; what was confirmed is as it was, and temporary rooms are no more.
    @Test func beliefEqualsTruthWhenTheServerIsKilled() async throws {
        try await OuterStage.serveIfAsked()
        var confirmed = 0
        for seed in 0..<10 * Self.rounds {
            let stage = try OuterStage(test: "beliefEqualsTruthWhenTheServerIsKilled")
            defer { stage.end() }
            var random = Dice(state: seed)
            confirmed += try await tell(seed, on: stage, killedAt: Int.random(in: 5..<50, using: &random))
        }
        #expect(confirmed > Int(10 * Self.rounds), "else nothing is proven")
    }

    /// - Parameter killedAt: the step at which the server is killed, and maybe others; nil: it is not.
    /// - Returns: how many messages were said and confirmed.
    @discardableResult
    private func tell(_ seed: UInt64, on stage: any RoomStage, killedAt end: Int? = nil) async throws -> Int {
        let story: Comment = "seed \(seed)"
        var random = Dice(state: seed)
        let witness = try await RoomVisitor(stage, 4, "w")
        try await witness.found(Self.hall, isPersistent: true)
        var people = [witness]
        for (user, resource) in [(1, "a"), (1, "b"), (2, "a"), (3, "a")] {
            people.append(try await RoomVisitor(stage, user, resource))
        }
        let crowd = people.dropFirst()
        for step in 0..<50 {
            let person = crowd.randomElement(using: &random) ?? witness
            let room = Int.random(in: 0..<3, using: &random) == 0 ? Self.den : Self.hall
            switch Int.random(in: 0..<40, using: &random) {
            case _ where seed.isMultiple(of: 2) && step + 6 == end: stage.slowDown()
            case _ where step == end: try await kill(stage, people, story)
            case 0: try await person.reconnect(isHalfOpen: true)
            case 1: await person.lose()
            case 2: try await person.beginAnew()
            case 3 where step.isMultiple(of: 5):
                try await stage.restart()
                for person in people where !person.client.isAway { try await person.reconnect(isHalfOpen: false) }
            case 4...7: witness.judge(room, using: &random)
            case 8: witness.ask(room, "owner", "<destroy><reason>\(step)</reason></destroy>", if: room == Self.den)
            case 9: witness.close(room, Bool.random(using: &random))
            case 10: await person.ping()
            case 11...13:
                for person in people {
                    person.client.read(answers: true)
                    person.client.ask()
                }
            case 14...15: witness.say("\(step)", in: Self.hall)
            case 16: witness.setSubject("\(step)", of: Self.hall)
            case 17...25: person.say("\(step)", in: room)
            case 26...28: person.leave(room, using: &random)
            case 29 where end != nil && step.isMultiple(of: 3): try await kill(stage, people, story)
            default: person.enter(room, using: &random)
            }
            if person.client.isAway, Bool.random(using: &random) { try await person.reconnect(isHalfOpen: false) }
        }
        for person in people { try await person.reconnect(isHalfOpen: false) }
        try await settle(stage, people)
        try await compare(stage, people, story)
        return people.map { $0.confirmed(in: Self.hall).count }.reduce(0, +)
    }

    /// Kills the server, looks at what is left, and lets everybody come back.
    private func kill(_ stage: any RoomStage, _ people: [RoomVisitor], _ story: Comment) async throws {
        for turn in 0..<5 {
            for person in people where !person.client.isAway {
                person.say("last \(turn)", in: Self.hall)
                person.client.ask()
            }
            for person in people { await person.ping() }
        }
        try stage.kill()
        for person in people { await person.client.readToEnd() }
        let den = try await stage.truth(of: Self.den), hall = try await stage.truth(of: Self.hall)
        #expect(den.affiliations.isEmpty && den.occupants.isEmpty && hall.occupants.isEmpty, story)
        #expect(people[0].contradictions(hall) == [], story)
        #expect(hall.affiliations["user4@localhost"] == "owner", story)
        let known = Set(hall.archive)
        #expect(known.count == hall.archive.count, story)
        for person in people {
            #expect(person.confirmed(in: Self.hall).filter { !known.contains($0) } == [], "\(person.client.jid), \(story)")
            for heard in person.forget(in: Self.hall, but: known) {
                // Only what was said last may have been heard and not be on disk.
                let kept = heard.prefix { known.contains($0) }
                #expect(heard[kept.endIndex...].allSatisfy { !known.contains($0) }, "\(person.client.jid), \(story)")
            }
            try await person.beginAfterFailure()
        }
        try await people[0].comeBack(to: Self.hall)
        let visit = people[0].belief.visit(Self.hall)
        #expect(visit?.history == hall.archive.suffix(RoomConfiguration().history.messages), story)
    }

    private func settle(_ stage: any RoomStage, _ people: [RoomVisitor]) async throws {
        for _ in 0..<4 {
            for person in people { await person.ping() }
            try await stage.settle()
        }
        for person in people { person.client.read(answers: true) }
    }

    private func compare(_ stage: any RoomStage, _ people: [RoomVisitor], _ story: Comment) async throws {
        for room in [Self.hall, Self.den] {
            let truth = try await stage.truth(of: room)
            for person in people {
                let visit = person.belief.visit(room)
                #expect(visit?.nickname == truth.nicknames[person.client.jid.description], "\(person.client.jid) in \(room), \(story)")
                if let visit { #expect(visit.occupants == truth.occupants, "\(person.client.jid) in \(room), \(story)") }
                guard room == Self.hall else { continue }
                let all = truth.archive
                if let visit { #expect(all.suffix(visit.heard.count) == visit.heard[...], "\(person.client.jid), \(story)") }
                for heard in person.belief.former[room] ?? [] {
                    #expect(all.contains(slice: heard), "\(person.client.jid) heard \(heard) of \(all), \(story)")
                }
            }
            guard room == Self.hall else { continue }
            #expect(people[0].contradictions(truth) == [], story)
        }
    }

    /// How many times as many stories are told.
    private static let rounds = ProcessInfo.processInfo.environment["MARTLET_ROUNDS"].flatMap(UInt64.init) ?? 1
}

extension [String] {
    /// Whether some of it, without a gap.
    fileprivate func contains(slice: [String]) -> Bool {
        guard let first = slice.first else { return true }
        return firstIndex(of: first).map { self[$0...].starts(with: slice) } ?? false
    }
}
