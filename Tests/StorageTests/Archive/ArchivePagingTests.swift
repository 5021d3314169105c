import NIOCore
import Storage
import Testing

/// Pages of random archives are those of a list in memory.
@Suite(.timeLimit(.minutes(2)))
struct ArchivePagingTests {
    /// SplitMix64: the same seed, the same story.
    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
        mutating func under(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
        mutating func chance(_ percent: Int) -> Bool { under(100) < percent }
    }

    private struct Message {
        let place: ArchivePlace
        let owner: String
        let peer: String
        let resource: String?
        let text: String
    }

    /// What a list in memory answers.
    private static func page(_ query: ArchiveQuery, of messages: [Message]) -> ArchivePage? {
        let own = messages.filter { $0.owner == query.owner }
        guard query.known.allSatisfy({ place in own.contains { $0.place == place } }) else { return nil }
        let fitting = own.filter { message in
            query.after < message.place && message.place < query.before
                && (query.peer.map { $0 == message.peer } ?? true)
                && (query.resource.map { $0 == message.resource } ?? true)
                && (query.only?.contains(message.place) ?? true)
        }
        var wanted = fitting.filter { query.pageAfter < $0.place && $0.place < query.pageBefore }.dropFirst(query.skipped)
        let isComplete = wanted.count <= query.limit
        wanted = query.isBackwards ? wanted.suffix(query.limit) : wanted.prefix(query.limit)
        var page = ArchivePage()
        page.isComplete = isComplete
        page.count = fitting.count
        page.results = wanted.map { ($0.place, ByteBuffer(string: $0.text)) }
        page.index = wanted.first.flatMap { first in fitting.firstIndex { $0.place == first.place } }
        return page
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func pagesAreThoseOfAList(seed: UInt64) async throws {
        var dice = Dice(state: seed)
        let archive = try TestArchive(at: "2025-11-28T23:00:00Z")
        let people = (0..<4).map { "person\($0)@example.org" }
        var messages: [Message] = []
        for number in 0..<dice.under(300) {
            // Many in one millisecond, and months without any.
            if dice.chance(50) { archive.pass(Int64(dice.under(3))) }
            if dice.chance(3) { archive.pass(Int64(dice.under(40)) * 86_400_000) }
            if dice.chance(2) { archive.pass(-Int64(dice.under(5_000))) }
            let sender = people[dice.under(4)], receiver = people[dice.under(4)]
            let resource = dice.chance(50) ? "r\(dice.under(3))" : nil
            guard sender != receiver,
                let places = archive.append("m\(number)", from: sender, to: receiver, resource: resource)
            else { continue }
            messages.append(
                Message(place: places.sent, owner: sender, peer: receiver, resource: nil, text: "m\(number)"))
            messages.append(
                Message(place: places.received, owner: receiver, peer: sender, resource: resource, text: "m\(number)"))
        }
        #expect(messages.map(\.place).sorted() == messages.map(\.place))
        for _ in 0..<120 {
            let query = query(of: people, messages, &dice)
            let page = try await archive.page(query)
            let expected = Self.page(query, of: messages)
            #expect(page?.texts == expected?.texts, "\(query)")
            #expect(page?.results.map(\.place) == expected?.results.map(\.place), "\(query)")
            #expect(page?.isComplete == expected?.isComplete, "\(query)")
            // Of many months, the number is told only to those who ask for it.
            if let count = page?.count { #expect(count == expected?.count, "\(query)") }
            if let index = page?.index { #expect(index == expected?.index, "\(query)") }
            if query.counting == .all || query.only != nil { #expect(page == nil || page?.count != nil) }
        }
        archive.close()
    }

    private func query(of people: [String], _ messages: [Message], _ dice: inout Dice) -> ArchiveQuery {
        func place() -> ArchivePlace {
            guard !messages.isEmpty, dice.chance(95) else { return ArchivePlace(number: Int64(dice.under(1 << 60))) }
            let place = messages[dice.under(messages.count)].place
            return dice.chance(50) ? place : ArchivePlace(number: place.number + Int64(dice.under(5)) - 2)
        }
        var query = ArchiveQuery(owner: people[dice.under(4)], limit: dice.chance(20) ? 0 : dice.under(40))
        if dice.chance(40) { query.peer = people[dice.under(4)] }
        if query.peer != nil, dice.chance(40) { query.resource = "r\(dice.under(4))" }
        if dice.chance(30) { query.after = place() }
        if dice.chance(30) { query.before = place() }
        if dice.chance(30) { query.pageAfter = place() }
        if dice.chance(30) { query.pageBefore = place() }
        if dice.chance(20) { query.only = Set((0..<dice.under(20)).map { _ in place() }).sorted() }
        if dice.chance(20) { query.known = [place()] }
        query.isBackwards = dice.chance(40)
        if !query.isBackwards, dice.chance(20) { query.skipped = dice.under(30) }
        if dice.chance(50) { query.counting = .all }
        return query
    }

    /// Walking from page to page, either way, one sees everything once.
    @Test(arguments: [false, true])
    func pagesFollowEachOther(isBackwards: Bool) async throws {
        let archive = try TestArchive(at: "2025-12-30T00:00:00Z")
        for number in 0..<230 {
            archive.append("\(number)", from: "a@example.org", to: "b@example.org")
            archive.pass(3_600_000)
        }
        var seen: [String] = []
        var query = ArchiveQuery(owner: "b@example.org", limit: 7)
        query.isBackwards = isBackwards
        while true {
            let page = try #require(try await archive.page(query))
            seen = isBackwards ? page.texts + seen : seen + page.texts
            if page.isComplete { break }
            if isBackwards { query.pageBefore = page.results[0].place } else { query.pageAfter = page.results[6].place }
        }
        #expect(seen == (0..<230).map(String.init))
        archive.close()
    }
}
