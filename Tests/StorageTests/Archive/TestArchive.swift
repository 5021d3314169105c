import Foundation
import NIOCore
import Storage
import Synchronization

/// An archive in a folder of its own, by a clock that is set by hand.
final class TestArchive: Sendable {
    let folder = ScratchFolder()
    private let time: Mutex<Int64>
    private let opened: Mutex<MonthlyArchive?>

    /// What is told of a message that was archived.
    typealias Outcome = Result<ArchivePlace, StorageError>

    init(at date: String = "2026-01-15T12:00:00Z") throws {
        time = Mutex(Self.milliseconds(date))
        opened = Mutex(nil)
        try open()
    }

    static func milliseconds(_ date: String) -> Int64 {
        Int64(((try? Date(date, strategy: .iso8601)) ?? .distantPast).timeIntervalSince1970 * 1_000)
    }

    var store: MonthlyArchive {
        guard let store = opened.withLock({ $0 }) else { preconditionFailure("the archive is closed") }
        return store
    }

    var now: Int64 {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }

    func pass(_ milliseconds: Int64) { time.withLock { $0 += milliseconds } }

    func open() throws {
        let store = try MonthlyArchive(directory: folder.path) { [self] in now }
        opened.withLock { $0 = store }
    }

    func close() { opened.withLock { $0.take() }?.close() }

    func files() -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".db") }.sorted()
    }

    /// The bytes of all files.
    func size() -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.reduce(0) { sum, name in
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder.path)/\(name)")
            return sum + (attributes?[.size] as? Int ?? 0)
        }
    }

    /// Archives a message for its sender and its receiver; waits for neither.
    @discardableResult
    func append(
        _ text: String, from sender: String, to receiver: String, resource: String? = nil, tag: Int32 = 0,
        completion: (@Sendable (StorageError?) -> Void)? = nil
    ) -> (sent: ArchivePlace, received: ArchivePlace)? {
        let message = ArchivedMessage(payload: ByteBuffer(string: text), tag: tag)
        guard
            let sent = store.append(
                ArchiveEntry(message, owner: sender, peer: receiver, resource: nil, isSent: true), completion: completion),
            let received = store.append(
                ArchiveEntry(message, owner: receiver, peer: sender, resource: resource, isSent: false),
                completion: completion)
        else { return nil }
        return (sent, received)
    }

    func page(_ query: ArchiveQuery) async throws -> ArchivePage? {
        try await store.page(query) { _, payload, buffer in try payload(&buffer) }
    }

    /// All texts in somebody's archive.
    func texts(of owner: String, with peer: String? = nil) async throws -> [String] {
        var query = ArchiveQuery(owner: owner, limit: 100_000)
        query.peer = peer
        return try await page(query)?.texts ?? []
    }
}

extension ArchivePage {
    var texts: [String] { results.map { String(buffer: $0.rendered) } }
}
