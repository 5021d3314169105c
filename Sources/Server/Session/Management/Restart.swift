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
        // What their clients have sent is on disk before it is counted.
        _ = try? await kernel.database.write { _ in }
        var saved: [(id: String, session: [UInt8])] = []
        for loop in kernel.loops {
            saved += (try? await loop.eventLoop.submit { loop.current.saveSessions() }.get()) ?? []
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
        }
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

    fileprivate func saveSessions() -> [(id: String, session: [UInt8])] {
        sessions.values.compactMap { session in
            guard let saved = SavedSession(session), let encoded = saved.encoded else { return nil }
            session.abandonConnection()
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
