internal import Logging
internal import NIOCore
package import Storage
internal import XMPP

/// Carries the sessions that may be resumed over a restart of the server: what was not acknowledged, and what the
/// session has set up.
struct Restart {
    static let migrations = [
        Migration(
            name: "saved-sessions-1",
            sql: ["CREATE TABLE saved_sessions (id TEXT NOT NULL PRIMARY KEY, session BYTEA NOT NULL)"])
    ]

    private unowned let kernel: Kernel

    init(kernel: Kernel) {
        self.kernel = kernel
    }

    // MARK: Stopping

    /// Writes all sessions that may be resumed, and lets their connections go without ending their streams.
    func save() async {
        for loop in kernel.loops { await loop.run { $0.abandonResumable() } }
        // What their clients have sent is on disk before it is counted, and with those whom it was for.
        await settle()
        for part in kernel.registry.restartParts { await part.save() }
        await settle()
        var saved: [(id: String, session: [UInt8])] = []
        for loop in kernel.loops {
            saved += await loop.run { $0.saveSessions() }
        }
        do {
            try await kernel.database.write { [saved] transaction in
                for (id, session) in saved {
                    try transaction.execute(
                        "INSERT INTO saved_sessions (id, session) VALUES ($1, $2)", [.text(id), .bytes(session)])
                }
            }
        } catch {
            kernel.logger.error(
                "Sessions cannot be kept over the restart.", metadata: [LogKeys.reason: "\(error)"])
        }
    }

    /// What is on its way between loops, and to the disk and back, arrives.
    private func settle() async {
        for _ in 0..<4 {
            _ = try? await kernel.database.write { _ in }
            for loop in kernel.loops { await loop.run { $0.flush() } }
        }
    }

    // MARK: Starting

    /// Brings back what was saved; whoever does not come for it in time loses it.
    func restore() async throws {
        let saved = try await kernel.database.write { transaction in
            let saved = try transaction.rows("SELECT session FROM saved_sessions") { try $0.bytes(0) }
            try transaction.execute("DELETE FROM saved_sessions")
            return saved
        }
        for (index, bytes) in saved.enumerated() {
            guard let session = SavedSession(decoding: bytes), let jid = try? JID(session.jid) else { continue }
            await restore(session, jid, on: kernel.loops[index % kernel.loops.count])
            kernel.leavers.hasReturned(jid.bare)
        }
        for part in kernel.registry.restartParts { await part.restore() }
    }

    private func restore(_ saved: SavedSession, _ jid: JID, on loop: LoopReference) async {
        await withCheckedContinuation { continuation in
            kernel.accounts.load(jid.bare, isKnown: true) { result in
                guard case .loaded(let account) = result else { return continuation.resume() }
                loop.execute { context in
                    context.restore(saved, jid, account)
                    continuation.resume()
                }
            }
        }
    }
}

extension LoopContext {
    /// Ends the streams whose sessions cannot be resumed.
    func closeUnmanaged(_ error: StreamError) {
        for stream in Array(streams.values) where stream.session?.management?.resumption == nil { stream.close(error) }
        flush()
    }

    /// Nothing comes any more from the clients of sessions that may be resumed.
    fileprivate func abandonResumable() {
        for session in sessions.values where session.management?.resumption != nil { session.abandonConnection() }
    }

    fileprivate func saveSessions() -> [(id: String, session: [UInt8])] {
        sessions.values.compactMap { session in
            guard let saved = SavedSession(session), let encoded = saved.encoded else { return nil }
            return (saved.id, encoded)
        }
    }

    fileprivate func restore(_ saved: SavedSession, _ jid: JID, _ account: Account) {
        let handle = SessionHandle(id: kernel.nextSessionID(), jid: jid, loop: index)
        let session = Session(handle: handle, account: account, stream: nil, loop: self)
        session.language = saved.language
        session.management = saved.management(limit: StreamManagement.limit(kernel.configuration))
        guard kernel.accounts.bind(account, { $0.sessions.append(saved.bound(as: handle)) }) else { return }
        add(session)
        keep(session, for: .seconds(saved.seconds))
        kernel.resumptions[saved.id] = handle
        for part in kernel.registry.sessionParts {
            if let bytes = saved.parts[part.name] { part.restore(session, bytes) }
        }
    }
}
