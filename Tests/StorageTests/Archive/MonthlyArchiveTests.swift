import FaultyDisk
import Foundation
import NIOCore
import Storage
import Synchronization
import Testing

/// Files by the month, what goes from them, and what is told of writes that fail.
@Suite(.timeLimit(.minutes(2)))
struct MonthlyArchiveTests {
    @Test func eachMonthHasAFile() async throws {
        let archive = try TestArchive(at: "2025-12-31T23:59:59Z")
        archive.append("last year", from: "a@x", to: "b@x")
        archive.pass(1_000)
        archive.append("this year", from: "a@x", to: "b@x")
        #expect(try await archive.texts(of: "a@x") == ["last year", "this year"])
        #expect(archive.files() == ["archive-2025-12.db", "archive-2026-01.db"])
        archive.close()
        try archive.open()
        #expect(try await archive.texts(of: "b@x") == ["last year", "this year"])
        archive.close()
    }

    /// A message whose sender's place is the last of a month and whose receiver's is the first of the next.
    @Test func payloadOfAnotherMonth() async throws {
        let archive = try TestArchive(at: "2025-12-31T23:59:59Z")
        let message = ArchivedMessage(payload: ByteBuffer(string: "midnight"), tag: 0)
        _ = archive.store.append(ArchiveEntry(message, owner: "a@x", peer: "b@x", resource: nil, isSent: true), completion: nil)
        archive.pass(1_000)
        _ = archive.store.append(ArchiveEntry(message, owner: "b@x", peer: "a@x", resource: nil, isSent: false), completion: nil)
        #expect(try await archive.texts(of: "a@x") == ["midnight"])
        #expect(try await archive.texts(of: "b@x") == ["midnight"])
        archive.close()
    }

    @Test func onlySoManyFilesAreOpen() async throws {
        let archive = try TestArchive(at: "2020-01-15T00:00:00Z")
        for month in 0..<40 {
            archive.append("\(month)", from: "a@x", to: "b@x")
            _ = try await archive.texts(of: "a@x")
            archive.pass(30 * 86_400_000)
        }
        #expect(try await archive.texts(of: "a@x") == (0..<40).map(String.init))
        #expect(archive.store.openFileCount <= 9)
        archive.close()
    }

    @Test func placesDoNotComeBackWithTheClock() async throws {
        let archive = try TestArchive()
        let first = try #require(archive.append("1", from: "a@x", to: "b@x"))
        archive.close()
        archive.pass(-3_600_000)
        try archive.open()
        let second = try #require(archive.append("2", from: "a@x", to: "b@x"))
        #expect(second.sent > first.received)
        #expect(try await archive.texts(of: "b@x") == ["1", "2"])
        archive.close()
    }

    /// Many threads append; whoever reads never finds anything below what was there before.
    @Test func nothingAppearsBelowWhatWasRead() async throws {
        let archive = try TestArchive()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<3 {
                group.addTask {
                    for number in 0..<400 {
                        archive.append("\(thread)-\(number)", from: "p\(thread)@x", to: "b@x")
                        if number % 16 == 0 { archive.pass(1) }
                        if number % 50 == 0 { await Task.yield() }
                    }
                }
            }
            group.addTask {
                var seen: [ArchivePlace] = []
                while seen.count < 1_200 {
                    let page = try await archive.page(ArchiveQuery(owner: "b@x", limit: 10_000))
                    let places = page?.results.map(\.place) ?? []
                    #expect(Array(places.prefix(seen.count)) == seen)
                    seen = places
                }
            }
            try await group.waitForAll()
        }
        archive.close()
    }

    @Test func readersSeeWhatWasAppendedBefore() async throws {
        let archive = try TestArchive()
        for number in 0..<300 {
            archive.append("\(number)", from: "a@x", to: "b@x")
            var query = ArchiveQuery(owner: "b@x", limit: 1)
            query.isBackwards = true
            #expect(try await archive.page(query)?.texts == ["\(number)"])
        }
        archive.close()
    }

    // MARK: Going

    @Test func removedArchivesLeaveOthersAlone() async throws {
        let archive = try TestArchive(at: "2025-12-31T00:00:00Z")
        for number in 0..<700 {
            archive.append("\(number)", from: "a@x", to: "b@x")
            archive.append("only for a: canary \(number)", from: "a@x", to: "far@away")
            archive.pass(200_000)
        }
        try await archive.store.remove(of: "far@away", before: .end)
        try await archive.store.remove(of: "a@x", before: .end)
        #expect(try await archive.texts(of: "a@x") == [])
        #expect(try await archive.texts(of: "b@x") == (0..<700).map(String.init))
        try await archive.store.remove(of: "b@x", before: .end)
        #expect(try await archive.texts(of: "b@x") == [])
        for name in archive.files() {
            let database = try Database.open(
                directory: archive.folder.path, name: String(name.dropLast(3)), migrations: [
                    Migration(name: "archive-month-1", sql: [])
                ])
            #expect(try await database.read { try $0.first("SELECT count(*) FROM payloads") { try $0.integer(0) } } == 0)
            database.close()
        }
        archive.close()
    }

    @Test func whatIsOlderGoes() async throws {
        let archive = try TestArchive(at: "2025-10-30T00:00:00Z")
        for number in 0..<70 {
            archive.append("\(number)", from: "a@x", to: "b@y")
            archive.pass(86_400_000)
        }
        let before = ArchivePlace(firstOf: archive.now - 20 * 86_400_000)
        try await archive.store.expire(domains: ["x"], before: before, isEverybody: false)
        #expect(try await archive.texts(of: "a@x") == (50..<70).map(String.init))
        #expect(try await archive.texts(of: "b@y").count == 70)
        try await archive.store.expire(domains: [], before: before, isEverybody: true)
        _ = try await archive.texts(of: "b@y")
        // Closing waits for the files that are being deleted.
        archive.close()
        #expect(archive.files() == ["archive-2025-12.db", "archive-2026-01.db"])
    }

    // MARK: Replacing

    @Test func theLastThatFitsIsReplaced() async throws {
        let archive = try TestArchive(at: "2025-12-31T23:59:00Z")
        for number in 0..<3 {
            archive.append("\(number)", from: "a@x", to: "b@x", tag: 7)
            archive.append("other", from: "b@x", to: "a@x", tag: 7)
            archive.append("other", from: "a@x", to: "c@x", tag: 7)
            archive.pass(40_000)
        }
        archive.store.replace(in: "a@x", with: "b@x", isSent: true, tag: 7, before: .end) { payload in
            String(buffer: payload) == "1" ? ByteBuffer(string: "gone") : nil
        }
        #expect(try await archive.texts(of: "a@x", with: "b@x") == ["0", "other", "gone", "other", "2", "other"])
        #expect(try await archive.texts(of: "b@x") == ["0", "other", "gone", "other", "2", "other"])
        archive.close()
    }

    // MARK: Size

    /// Two archives with a message each: at most 350 bytes for a body of 150.
    @Test func aMessageTakesLittleSpace() async throws {
        let archive = try TestArchive()
        var words = ["meeting", "tomorrow", "please", "we", "should", "look", "at", "the", "report", "again", "before", "noon"]
        let count = 6_000
        for number in 0..<count {
            words.shuffle()
            var body = ""
            while body.utf8.count < 150 { body += words.randomElement()! + " " }
            body = String(body.prefix(150))
            let (sender, receiver) = (number % 97, (number * 31 + 1) % 89)
            archive.append(
                """
                <message xmlns='jabber:client' from='user\(sender)@example.test/gajim.\(sender)X3F' to='user\(receiver + 100)@example.test' \
                type='chat' id='\(UUID().uuidString.lowercased())'><body>\(body)</body><origin-id xmlns='urn:xmpp:sid:0' \
                id='\(UUID().uuidString.lowercased())'/><active xmlns='http://jabber.org/protocol/chatstates'/></message>
                """, from: "user\(sender)@example.test", to: "user\(receiver + 100)@example.test", resource: "gajim.\(sender)X3F")
            archive.pass(37)
            if number % 500 == 0 { _ = try await archive.texts(of: "nobody@x") }
        }
        archive.close()
        let size = archive.size() / count
        print("An archived message takes \(size) bytes.")
        #expect(size <= 350)
    }

    // MARK: Faults

    @Test func aFullDiskIsToldAndForgotten() async throws {
        FaultyDisk.install()
        let archive = try TestArchive()
        archive.append("before", from: "a@x", to: "b@x")
        #expect(try await archive.texts(of: "a@x") == ["before"])
        FaultyDisk.setFault(.full, below: archive.folder.path)
        let failed = Atomic<Int>(0)
        for number in 0..<20 {
            archive.append("lost \(number)", from: "a@x", to: "b@x") { error in
                if case .full? = error { failed.add(1, ordering: .relaxed) }
            }
            _ = try? await archive.texts(of: "a@x")
        }
        #expect(failed.load(ordering: .relaxed) == 40)
        FaultyDisk.setFault(nil, below: archive.folder.path)
        archive.append("after", from: "a@x", to: "new@x")
        archive.append("after", from: "a@x", to: "b@x")
        #expect(try await archive.texts(of: "a@x") == ["before", "after", "after"])
        #expect(try await archive.texts(of: "new@x") == ["after"])
        archive.close()
        try archive.open()
        #expect(try await archive.texts(of: "b@x") == ["before", "after"])
        archive.close()
    }

    /// The receiver's entry may come through although the sender's, with the payload, did not.
    @Test func payloadsThatWereLostAreWrittenAgain() async throws {
        FaultyDisk.install()
        let archive = try TestArchive()
        archive.append("before", from: "a@x", to: "b@x")
        _ = try await archive.texts(of: "a@x")
        FaultyDisk.setFault(.full, below: archive.folder.path)
        let message = ArchivedMessage(payload: ByteBuffer(string: "half"), tag: 0)
        let done = Signal()
        _ = archive.store.append(ArchiveEntry(message, owner: "a@x", peer: "b@x", resource: nil, isSent: true)) { _ in done.set() }
        done.wait()
        FaultyDisk.setFault(nil, below: archive.folder.path)
        _ = archive.store.append(ArchiveEntry(message, owner: "b@x", peer: "a@x", resource: nil, isSent: false), completion: nil)
        #expect(try await archive.texts(of: "a@x") == ["before"])
        #expect(try await archive.texts(of: "b@x") == ["before", "half"])
        archive.close()
    }

    /// Nobody is told of success before the disk has it, and nobody waits to append.
    @Test func aSlowDiskHoldsUpNobody() async throws {
        FaultyDisk.install()
        let archive = try TestArchive()
        archive.append("first", from: "a@x", to: "b@x")
        _ = try await archive.texts(of: "a@x")
        FaultyDisk.setFault(.slow, below: archive.folder.path)
        let told = Atomic<Int>(0)
        for number in 0..<500 {
            archive.append("\(number)", from: "a@x", to: "b@x") { error in
                if error == nil { told.add(1, ordering: .relaxed) }
            }
        }
        #expect(told.load(ordering: .relaxed) < 1_000)
        #expect(try await archive.texts(of: "b@x").count == 501)
        #expect(told.load(ordering: .relaxed) == 1_000)
        FaultyDisk.setFault(nil, below: archive.folder.path)
        archive.close()
    }

    @Test func payloadsOfAllKindsComeBack() async throws {
        let archive = try TestArchive()
        let texts = ["", "x", "<message/>", String(repeating: "long ", count: 60_000), "混合 текст 🌒"]
            + (0..<20).map { _ in String((0..<200).map { _ in Character(UnicodeScalar(UInt8.random(in: 32..<127))) }) }
        for text in texts {
            archive.append(text, from: "a@x", to: "b@x")
            var query = ArchiveQuery(owner: "b@x", limit: 1)
            query.isBackwards = true
            #expect(try await archive.page(query)?.texts == [text])
        }
        archive.close()
    }
}
