internal import Synchronization
package import NIOCore
package import XMPP

/// The accounts in memory, found by their bare JID from any event loop.
package final class AccountTable: Sendable {
    /// What is known of one bare JID.
    private enum Entry {
        /// `seen` is when a sweep last found that the account had been used.
        case loaded(Account, seen: NIODeadline)
        /// There is no such account; believed until then.
        case unknown(until: NIODeadline)
        case loading(Loading)
    }

    /// An account that is being read.
    private struct Loading {
        /// Whether it had proved to exist when reading began.
        let isKnown: Bool
        var waiting: [@Sendable (LoadResult) -> Void]
        /// Whether something has happened meanwhile that what is being read does not show: then it is read again.
        var isOutdated = false
    }

    package enum LoadResult: Sendable {
        case loaded(Account)
        case unknown
        /// The directory or the database did not answer; the reason is for the log.
        case failed(String)
    }

    package enum Lookup: Sendable {
        case loaded(Account)
        case unknown
        case notLoaded
    }

    private let shards: [Shard]
    private let read: @Sendable (JID, _ isKnown: Bool, @escaping @Sendable (LoadResult) -> Void) -> Void
    private let unknownLifetime: TimeAmount
    private let clock: ServerClock

    private final class Shard: Sendable {
        let entries = Mutex<[JID: Entry]>([:])
    }

    /// - Parameter read: finds out whether an account exists, unless that is known, and reads it; calls back from any thread.
    init(
        clock: ServerClock, unknownLifetime: TimeAmount = .seconds(10),
        read: @escaping @Sendable (JID, _ isKnown: Bool, @escaping @Sendable (LoadResult) -> Void) -> Void
    ) {
        shards = (0..<64).map { _ in Shard() }
        self.read = read
        self.unknownLifetime = unknownLifetime
        self.clock = clock
    }

    private func shard(of jid: JID) -> Shard {
        shards[jid.storedHash & 63]
    }

    /// What is in memory of a bare JID.
    package func find(_ jid: JID) -> Lookup {
        shard(of: jid).entries.withLock { entries in
            switch entries[jid] {
            case .loaded(let account, _): .loaded(account.used())
            case .unknown(let until): until > clock.now ? .unknown : .notLoaded
            case .loading, nil: .notLoaded
            }
        }
    }

    /// The account if it is in memory.
    package subscript(jid: JID) -> Account? {
        if case .loaded(let account) = find(jid) { account } else { nil }
    }

    /// Brings an account into memory. The completion is called on any thread, at once if it is there already.
    /// - Parameter isKnown: whether somebody has just proved that the account exists.
    package func load(_ jid: JID, isKnown: Bool = false, completion: @escaping @Sendable (LoadResult) -> Void) {
        enum Step { case done(LoadResult), read, wait }
        let shard = shard(of: jid)
        let step: Step = shard.entries.withLock { entries in
            switch entries[jid] {
            case .loaded(let account, _):
                return .done(.loaded(account.used()))
            // What has just been proved counts for more than what was found out seconds ago.
            case .unknown(let until) where until > clock.now && !isKnown:
                return .done(.unknown)
            case .loading(var loading):
                loading.waiting.append(completion)
                if isKnown, !loading.isKnown { loading.isOutdated = true }
                entries[jid] = .loading(loading)
                return .wait
            case .unknown, nil:
                entries[jid] = .loading(Loading(isKnown: isKnown, waiting: [completion]))
                return .read
            }
        }
        switch step {
        case .done(let result): completion(result)
        case .wait: break
        case .read: read(jid, isKnown) { [self] in loaded($0, jid, shard) }
        }
    }

    private func loaded(_ result: LoadResult, _ jid: JID, _ shard: Shard) {
        let waiting: [@Sendable (LoadResult) -> Void]? = shard.entries.withLock { entries in
            guard case .loading(var loading) = entries[jid] else { return [] }
            if loading.isOutdated {
                loading.isOutdated = false
                entries[jid] = .loading(loading)
                return nil
            }
            switch result {
            case .loaded(let account): entries[jid] = .loaded(account.used(), seen: clock.now)
            case .unknown: entries[jid] = .unknown(until: clock.now + unknownLifetime)
            case .failed: entries[jid] = nil
            }
            return loading.waiting
        }
        guard let waiting else { return read(jid, false) { [self] in loaded($0, jid, shard) } }
        for completion in waiting { completion(result) }
    }

    /// Adds a session unless the account has left memory meanwhile; then it must be loaded again.
    func bind(_ account: Account, _ body: (inout AccountState) -> Void) -> Bool {
        shard(of: account.jid).entries.withLock { entries in
            guard case .loaded(let current, _) = entries[account.jid], current === account else { return false }
            account.withState { body(&$0) }
            return true
        }
    }

    /// Forgets an account, so that the next use reads it anew; its sessions must have ended.
    package func forget(_ jid: JID) {
        shard(of: jid).entries.withLock { entries in
            switch entries[jid] {
            case .loaded(let account, _) where !account.sessions.isEmpty: break
            case .loading(var loading):
                loading.isOutdated = true
                entries[jid] = .loading(loading)
            case .loaded, .unknown, nil: entries[jid] = nil
            }
        }
    }

    /// The accounts that have sessions.
    var active: [Account] {
        shards.flatMap { shard in
            shard.entries.withLock { entries in
                entries.values.compactMap { entry in
                    if case .loaded(let account, _) = entry, !account.sessions.isEmpty { account } else { nil }
                }
            }
        }
    }

    /// Drops accounts that have no session and were not used since `limit`, and what is believed not to exist.
    ///
    /// Whoever finds an account here, or has just ended its last session, goes on to use it without a lock. If it were
    /// dropped in between, it could be read anew before what is still being done to it is on disk, and be there twice.
    /// So each of them marks the account, and it stays for as long after the mark as `limit` lies in the past: minutes,
    /// where they need microseconds.
    package func sweep(olderThan limit: NIODeadline) {
        let now = clock.now
        for shard in shards {
            shard.entries.withLock { entries in
                for (jid, entry) in entries {
                    switch entry {
                    case .loaded(let account, let seen):
                        // In this order: who ends the last session marks the account before that can be seen.
                        if !account.sessions.isEmpty { continue }
                        if account.takeMark() {
                            entries[jid] = .loaded(account, seen: now)
                        } else if seen <= limit {
                            entries[jid] = nil
                        }
                    case .unknown(let until): if until <= limit { entries[jid] = nil }
                    case .loading: break
                    }
                }
            }
        }
    }
}
