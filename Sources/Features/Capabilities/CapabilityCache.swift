internal import Logging
internal import Server
internal import Storage
internal import Synchronization
internal import XMPP

/// What hashes of capabilities stand for: in memory what was used last, and more of it in storage. Each is asked for
/// once, verified, and then known to the whole server (XEP-0115 §5.4, §8.3).
final class CapabilityCache: Sendable {
    static let migrations = [
        Migration(
            name: "capabilities-1",
            sql: [
                """
                CREATE TABLE entity_capabilities (
                    hash TEXT NOT NULL, value TEXT NOT NULL, features TEXT NOT NULL, learned BIGINT NOT NULL,
                    PRIMARY KEY (hash, value))
                """,
                "CREATE INDEX entity_capabilities_learned ON entity_capabilities (learned)",
            ])
    ]

    /// More than there are versions of clients; what is beyond is asked for again.
    private static let memoryLimit = 2_000
    private static let storageLimit = 10_000
    /// What is remembered of one entity.
    private static let featureLimit = 1_000
    private static let sizeLimit = 65_536
    /// A character that XML forbids, and so no feature has.
    private static let separator = "\u{1F}"

    private struct Entry {
        let capabilities: Capabilities
        var use: UInt64
    }

    private struct State {
        var entries: [CapabilityHash: Entry] = [:]
        var uses: UInt64 = 0
        /// Who waits for what a hash stands for, and can be asked.
        var waiting: [CapabilityHash: [Waiter]] = [:]
    }

    struct Waiter: Sendable {
        let entity: JID
        let domain: JID
        let hash: CapabilityHash
        let loop: Int
        /// Called on the loop, at most once.
        let completion: @Sendable (Capabilities, LoopContext) -> Void
    }

    private unowned let kernel: Kernel
    private let state = Mutex(State())

    init(kernel: Kernel) {
        self.kernel = kernel
    }

    /// What is in memory.
    func known(_ hash: CapabilityHash) -> Capabilities? {
        state.withLock { state in
            state.uses += 1
            state.entries[hash]?.use = state.uses
            return state.entries[hash]?.capabilities
        }
    }

    /// Finds out what a hash stands for: in storage, or by asking who has said it.
    func learn(_ waiter: Waiter) {
        let isFirst = state.withLock { state in
            state.waiting[waiter.hash, default: []].append(waiter)
            return state.waiting[waiter.hash]?.count == 1
        }
        guard isFirst else { return }
        let hash = waiter.hash
        kernel.database.read { try Self.stored(hash, $0) } completion: { [self] result in
            guard case .success(let capabilities?) = result else { return askNext(hash) }
            found(capabilities, for: hash)
        }
    }

    private static func capabilities(stored text: String) -> Capabilities {
        Capabilities(features: Set(text.split(separator: separator).map(String.init)))
    }

    /// What hashes stand for, as far as it is in storage.
    func stored(_ hashes: Set<CapabilityHash>) async -> [CapabilityHash: Capabilities] {
        let found = try? await kernel.database.read { transaction in
            var found: [CapabilityHash: Capabilities] = [:]
            for hash in hashes { found[hash] = try Self.stored(hash, transaction) }
            return found
        }
        for (hash, capabilities) in found ?? [:] { self.found(capabilities, for: hash) }
        return found ?? [:]
    }

    private static func stored(_ hash: CapabilityHash, _ transaction: Transaction) throws -> Capabilities? {
        try transaction.first(
            "SELECT features FROM entity_capabilities WHERE hash = $1 AND value = $2",
            [.text(hash.name), .text(hash.value)]
        ) { capabilities(stored: try $0.text(0)) }
    }

    /// Asks the first of those who wait; the others only if it does not tell the truth.
    private func askNext(_ hash: CapabilityHash) {
        guard let waiter = state.withLock({ $0.waiting[hash]?.first }) else { return }
        kernel.loops[waiter.loop].execute { [self] loop in
            kernel.ask(waiter.entity, from: waiter.domain, on: loop) { writer in
                writer.element("query", in: .discoveryInfo, ["node": waiter.hash.node])
            } completion: { [self] query in
                answered(waiter, query)
            }
        }
    }

    private func answered(_ waiter: Waiter, _ query: Element?) {
        let hash = waiter.hash
        let features = query?.children.filter { $0.isNamed("feature", in: .discoveryInfo) }.compactMap { $0["var"] } ?? []
        let capabilities = Capabilities(features: Set(features.prefix(Self.featureLimit)))
        if let query, query.size <= Self.sizeLimit, features.count <= Self.featureLimit, hash.isVerified(by: query) {
            save(hash, features)
            return found(capabilities, for: hash)
        }
        let othersWait = state.withLock { state in
            state.waiting[hash]?.removeFirst()
            if state.waiting[hash]?.isEmpty == true { state.waiting[hash] = nil }
            return state.waiting[hash] != nil
        }
        // §5.4: what is ill-formed or does not match is not kept for others; of this entity it can still be believed.
        if query != nil { complete(waiter, capabilities) }
        if othersWait { askNext(hash) }
    }

    private func found(_ capabilities: Capabilities, for hash: CapabilityHash) {
        let waiters = state.withLock { state in
            state.uses += 1
            state.entries[hash] = Entry(capabilities: capabilities, use: state.uses)
            if state.entries.count > Self.memoryLimit {
                let oldest = state.entries.sorted { $0.value.use < $1.value.use }.prefix(Self.memoryLimit / 4)
                for entry in oldest { state.entries[entry.key] = nil }
            }
            return state.waiting.removeValue(forKey: hash) ?? []
        }
        for waiter in waiters { complete(waiter, capabilities) }
    }

    private func complete(_ waiter: Waiter, _ capabilities: Capabilities) {
        kernel.loops[waiter.loop].execute { waiter.completion(capabilities, $0) }
    }

    private func save(_ hash: CapabilityHash, _ features: [String]) {
        let text = Set(features).sorted().joined(separator: Self.separator)
        let logger = kernel.logger
        let now = kernel.clock.date
        kernel.database.write { transaction in
            try transaction.execute(
                """
                INSERT INTO entity_capabilities (hash, value, features, learned) VALUES ($1, $2, $3, $4)
                ON CONFLICT (hash, value) DO UPDATE SET features = excluded.features, learned = excluded.learned
                """, [.text(hash.name), .text(hash.value), .text(text), .integer(Int(now.milliseconds))])
            let count = try transaction.first("SELECT count(*) FROM entity_capabilities") { try $0.integer(0) } ?? 0
            guard count > Self.storageLimit else { return }
            try transaction.execute(
                """
                DELETE FROM entity_capabilities WHERE learned <= (
                    SELECT learned FROM entity_capabilities ORDER BY learned LIMIT 1 OFFSET $1)
                """, [.integer(count - Self.storageLimit)])
        } completion: { result in
            guard case .failure(let error) = result else { return }
            logger.error("Capabilities cannot be written.", metadata: [LogKeys.reason: "\(error)"])
        }
    }
}
