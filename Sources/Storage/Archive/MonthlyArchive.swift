internal import Dispatch
internal import Foundation
package import NIOCore
internal import Synchronization

/// The archive of one machine: a file for each month beside the database, `archive-YYYY-MM.db`.
///
/// Whole months go when nobody may keep them any longer. Each file has a writer of its own, which commits whatever has
/// gathered while it wrote. Files are opened when they are needed, and only so many are open at once.
package final class MonthlyArchive: ArchiveStore {
    private struct State {
        var last = ArchivePlace.beginning
        /// The file that was appended to last.
        var current: ArchiveFile?
        var files: [ArchiveMonth: ArchiveFile] = [:]
        /// How much waits to be written.
        var bytes = 0
        /// Nothing more is taken.
        var isClosed = false
        /// Nothing is opened any more.
        var isShut = false
    }

    /// How much may wait to be written.
    private static let entryLimit = 100_000
    private static let byteLimit = 64 << 20
    private static let openFiles = 8
    /// How many messages are counted where nobody has asked for the number.
    private static let countLimit = 500
    /// How many bytes a page may have: it is in memory as a whole.
    private static let pageBytes = 512 << 10

    private let directory: String
    private let now: @Sendable () -> Int64
    private let codec = PayloadCodec()
    private let queue = DispatchQueue(label: "archive.files")
    private let state: Mutex<State>
    private let replacements = Pending()
    private let pending = Atomic<Int>(0)

    /// Finds the files of a directory, and out what the last place is.
    /// - Parameter now: milliseconds since the beginning of 1970, UTC.
    package init(directory: String, now: @escaping @Sendable () -> Int64) throws(StorageError) {
        self.directory = directory
        self.now = now
        state = Mutex(State())
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for name in names where name.hasSuffix(".db") {
            if let month = ArchiveMonth(name: String(name.dropLast(3))) {
                state.withLock { state in _ = file(of: month, &state) }
            }
        }
        if let newest = months.last { try findLastPlace(newest) }
    }

    /// A clock that was set back must not bring back places that are in use.
    private func findLastPlace(_ month: ArchiveMonth) throws(StorageError) {
        let database = try open(month)
        defer { database.close() }
        let done = DispatchSemaphore(value: 0)
        let place = Mutex<Result<Int?, StorageError>>(.success(nil))
        database.read { try $0.first("SELECT max(place) FROM payloads", []) { try $0.integerOrNil(0) } ?? nil } completion: {
            result in
            place.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        guard let last = try place.withLock({ $0 }).get() else { return }
        // The receiver's entry may be later than the payload.
        state.withLock { $0.last = ArchivePlace(number: month.start.number + Int64(last) + Int64(60_000) << 14) }
        let current = ArchivePlace(firstOf: now())
        state.withLock { state in
            // Usually the clock has gone on, and nothing is ahead of it.
            if state.last.number - current.number <= Int64(60_000) << 14 {
                state.last = max(current, ArchivePlace(number: month.start.number + Int64(last)))
            }
        }
    }

    // MARK: Files

    private func file(of month: ArchiveMonth, _ state: inout State) -> ArchiveFile {
        if let file = state.files[month] { return file }
        let file = ArchiveFile(month, codec: codec, queue: queue) { [unowned self] (file) throws(StorageError) in
            guard !self.state.withLock({ $0.isShut }) else { throw .closed }
            closeIdle()
            return try open(file.month)
        }
        state.files[month] = file
        return file
    }

    private func open(_ month: ArchiveMonth) throws(StorageError) -> Database {
        var limits = Database.Limits()
        limits.readers = 2
        limits.writerCache = 16_000
        return try Database.open(
            directory: directory, name: month.name, role: .command, migrations: ArchiveTables.migrations, limits: limits)
    }

    /// Makes room for one more open file. On the queue.
    private func closeIdle() {
        let files = state.withLock { Array($0.files.values) }
        let open = files.filter(\.isOpen).count
        guard open >= Self.openFiles else { return }
        let idle = files.compactMap { file in file.idleSince.map { (file, $0) } }.sorted { $0.1 < $1.1 }
        for (file, _) in idle.prefix(open - Self.openFiles + 1) { file.closeIfIdle() }
    }

    /// In order.
    private var months: [ArchiveMonth] { state.withLock { $0.files.keys.sorted() } }

    private func file(of month: ArchiveMonth) -> ArchiveFile? { state.withLock { $0.files[month] } }

    /// How many files are open, for tests and metrics.
    package var openFileCount: Int { state.withLock { Array($0.files.values) }.filter(\.isOpen).count }

    package func close() {
        let files = state.withLock { state in
            state.isClosed = true
            return Array(state.files.values)
        }
        let done = DispatchGroup()
        for file in files {
            done.enter()
            file.settle { done.leave() }
        }
        done.wait()
        queue.sync {
            state.withLock { $0.isShut = true }
            for file in files { file.close() }
        }
    }

    // MARK: Appending

    package var pendingEntries: Int { pending.load(ordering: .relaxed) }

    package func append(
        _ entry: ArchiveEntry, completion: (@Sendable (StorageError?) -> Void)?
    ) -> ArchivePlace? {
        let now = now()
        let size = entry.message.payload.readableBytes
        let finish: @Sendable (StorageError?) -> Void = { [self] error in
            state.withLock { $0.bytes -= size }
            pending.subtract(1, ordering: .relaxed)
            completion?(error)
        }
        let result = state.withLock { state -> (place: ArchivePlace, file: ArchiveFile, isFirst: Bool)? in
            guard !state.isClosed, pendingEntries < Self.entryLimit, state.bytes < Self.byteLimit else { return nil }
            pending.add(1, ordering: .relaxed)
            state.bytes += size
            let place = max(ArchivePlace(firstOf: now), ArchivePlace(number: state.last.number + 1))
            state.last = place
            let file: ArchiveFile
            if let current = state.current, current.month.contains(place) {
                file = current
            } else {
                file = self.file(of: ArchiveMonth(containing: place), &state)
                state.current = file
            }
            let first = entry.message.place.compareExchange(
                expected: 0, desired: place.number, ordering: .relaxed
            )
            let payloadPlace = first.exchanged ? place : ArchivePlace(number: first.original)
            let new = ArchiveTables.NewEntry(entry: entry, place: place, payloadPlace: payloadPlace)
            return (place, file, file.append(new, finish))
        }
        if let result, result.isFirst { result.file.writeWaiting() }
        return result?.place
    }

    /// Waits until all that was handed over before can be read.
    private func settle() async {
        for file in state.withLock({ Array($0.files.values) }) where file.isUnsettled { await file.settle() }
        await replacements.settle()
    }

    // MARK: Reading

    package func page(_ query: ArchiveQuery, render: @escaping ArchiveRendering) async throws(StorageError) -> ArchivePage? {
        await settle()
        if let only = query.only { return try await page(query, of: only, render) }
        var page = ArchivePage()
        let lower = max(query.after, query.pageAfter), upper = min(query.before, query.pageBefore)
        var unseen = query.known
        let all = months
        let fitting = all.filter { $0.start < query.before && query.after < $0.end }
        let counts = query.counting == .all || fitting.count <= 2
        // Beyond what is told, one more is counted to see that there are more.
        let countLimit = query.counting == .all ? Int.max : Self.countLimit + 1
        var left = query.skipped
        var bytes = 0
        var count = 0
        var isCut = false
        for month in query.isBackwards ? all.reversed() : all {
            let isRead = page.results.count <= query.limit && !isCut && month.start < upper && lower < month.end
            let isCounted = counts && fitting.contains(month)
            let isChecked = unseen.contains { month.contains($0) }
            guard isRead || isCounted || isChecked, let file = file(of: month) else { continue }
            let reading = ArchiveReading(
                query: query, month: month, codec: codec, limit: isRead ? query.limit + 1 - page.results.count : 0,
                byteLimit: Self.pageBytes - bytes, skipped: isRead ? left : 0, countLimit: isCounted ? countLimit : nil,
                render: render)
            guard let result = try await file.read({ try reading.run($0) }) else { return nil }
            unseen = unseen.filter { !month.contains($0) }
            left -= result.skipped
            // Where the first of the page lies: backwards that is the last month with results, forwards the first.
            if !result.results.isEmpty {
                if query.isBackwards { page.index = result.index } else if page.results.isEmpty { page.index = count + result.index }
            } else if query.isBackwards, let index = page.index {
                page.index = index + result.count
            }
            page.results += result.results
            bytes += result.results.reduce(0) { $0 + $1.rendered.readableBytes }
            isCut = result.isCut
            count += result.count
        }
        guard unseen.isEmpty else { return nil }
        if isCut, page.results.count <= query.limit {
            // What lies beyond was not looked at.
            page.isComplete = false
        } else if page.results.count > query.limit {
            page.isComplete = false
            page.results.removeLast(page.results.count - query.limit)
            if query.isBackwards, let index = page.index { page.index = index + 1 }
        }
        if query.isBackwards { page.results.reverse() }
        page.count = counts && count < countLimit ? count : nil
        if page.count == nil || page.results.isEmpty { page.index = nil }
        return page
    }

    /// A page of single places.
    private func page(
        _ query: ArchiveQuery, of places: [ArchivePlace], _ render: @escaping ArchiveRendering
    ) async throws(StorageError) -> ArchivePage? {
        var fitting: [ArchivePlace] = []
        var unseen = query.known
        for month in months {
            let own = places.filter { month.contains($0) }
            guard !own.isEmpty || unseen.contains(where: { month.contains($0) }), let file = file(of: month) else { continue }
            let reading = ArchiveReading(
                query: query, month: month, codec: codec, limit: 0, byteLimit: 0, skipped: 0, countLimit: nil, render: render)
            guard let found = try await file.read({ try reading.fitting(own, $0) }) else { return nil }
            unseen = unseen.filter { !month.contains($0) }
            fitting += found
        }
        guard unseen.isEmpty else { return nil }
        var wanted = fitting.filter { query.pageAfter < $0 && $0 < query.pageBefore }.dropFirst(query.skipped)
        let isComplete = wanted.count <= query.limit
        wanted = query.isBackwards ? wanted.suffix(query.limit) : wanted.prefix(query.limit)
        var page = ArchivePage()
        page.isComplete = isComplete
        page.count = fitting.count
        page.index = wanted.first.flatMap { fitting.firstIndex(of: $0) }
        for place in wanted {
            guard let file = file(of: ArchiveMonth(containing: place)) else { continue }
            var single = ArchiveQuery(owner: query.owner, limit: 1)
            single.after = ArchivePlace(number: place.number - 1)
            single.before = ArchivePlace(number: place.number + 1)
            let reading = ArchiveReading(
                query: single, month: file.month, codec: codec, limit: 1, byteLimit: Self.pageBytes, skipped: 0,
                countLimit: nil, render: render)
            page.results += try await file.read { try reading.run($0) }?.results ?? []
        }
        return page
    }

    package func ends(
        of owner: String, after: ArchivePlace
    ) async throws(StorageError) -> (ArchivePlace, ArchivePlace)? {
        var query = ArchiveQuery(owner: owner, limit: 1)
        query.after = after
        query.counting = .few
        let render: ArchiveRendering = { _, _, _ in }
        guard let first = try await page(query, render: render)?.results.first else { return nil }
        query.isBackwards = true
        guard let last = try await page(query, render: render)?.results.last else { return nil }
        return (first.place, last.place)
    }

    // MARK: Replacing

    package func replace(
        in owner: String, with peer: String, isSent: Bool, tag: Int32, before: ArchivePlace,
        change: @escaping @Sendable (ByteBuffer) -> ByteBuffer?
    ) {
        let done = replacements.begin()
        Task {
            defer { done() }
            for month in months.reversed() where month.start < before {
                guard let file = file(of: month) else { continue }
                await file.settle()
                let replacement = try? await file.read { [tables = file.tables] transaction in
                    try tables.replacement(owner, peer, isSent: isSent, tag: tag, before: before, transaction, change)
                }
                guard let replacement = replacement ?? nil else { continue }
                try? await file.write { tables, transaction in
                    try tables.replace(replacement.place, with: replacement.payload, transaction)
                }
                return
            }
        }
    }

    package func replace(
        at place: ArchivePlace, in owner: String, change: @escaping @Sendable (ByteBuffer) -> ByteBuffer?,
        completion: @escaping @Sendable (Result<Bool, StorageError>) -> Void
    ) {
        let done = replacements.begin()
        Task {
            let result: Result<Bool, StorageError>
            do throws(StorageError) {
                result = .success(try await replace(place, owner, change))
            } catch {
                result = .failure(error)
            }
            done()
            completion(result)
        }
    }

    private func replace(
        _ place: ArchivePlace, _ owner: String, _ change: @escaping @Sendable (ByteBuffer) -> ByteBuffer?
    ) async throws(StorageError) -> Bool {
        guard let month = months.first(where: { $0.contains(place) }), let file = file(of: month) else { return false }
        await file.settle()
        let found = try await file.read { [tables = file.tables] transaction in
            try tables.payload(at: place, of: owner, transaction)
        }
        guard let found = found ?? nil else { return false }
        guard let changed = change(found.payload) else { return true }
        try await file.write { tables, transaction in
            try tables.replace(found.place, with: tables.encoded(changed), transaction)
        }
        return true
    }

    // MARK: Removing

    package func remove(of owner: String, before: ArchivePlace) async throws(StorageError) {
        for month in months where month.start < before {
            guard let file = file(of: month) else { continue }
            await file.settle()
            while try await file.write({ try $0.remove(of: owner, before: before, $1) }) {}
        }
    }

    package func expire(
        domains: [String], before: ArchivePlace, isEverybody: Bool
    ) async throws(StorageError) {
        for month in months where month.start < before {
            guard let file = file(of: month) else { continue }
            if isEverybody, month.end <= before {
                drop(file)
                continue
            }
            for domain in domains {
                for owner in try await file.write({ try $0.owners(in: domain, $1) }) {
                    while try await file.write({ try $0.remove(of: owner, before: before, $1) }) {}
                }
            }
        }
    }

    /// Deletes a month's file.
    private func drop(_ file: ArchiveFile) {
        let isDropped = state.withLock { state in
            guard state.current !== file else { return false }
            state.files[file.month] = nil
            return true
        }
        guard isDropped else { return }
        queue.async { [directory] in
            file.close()
            for ending in [".db", ".db-wal", ".db-shm"] { unlink("\(directory)/\(file.month.name)\(ending)") }
        }
    }
}

/// Work that has begun and is to be waited for.
private final class Pending: Sendable {
    private struct State {
        var count = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// - Returns: to be called at the end.
    func begin() -> @Sendable () -> Void {
        state.withLock { $0.count += 1 }
        return { [self] in
            let waiting = state.withLock { state in
                state.count -= 1
                guard state.count == 0 else { return [CheckedContinuation<Void, Never>]() }
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    /// Returns at a moment when nothing goes on.
    func settle() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.count > 0 { state.waiting.append(continuation) }
                return state.count == 0
            }
            if isIdle { continuation.resume() }
        }
    }
}
