internal import NIOCore
internal import Synchronization
internal import XMPP

/// How often everybody looks for rooms: each search reads all public rooms of a service. Used from all event loops.
final class SearchQuota: Sendable {
    private struct State {
        var begin: NIODeadline
        var searches: [JID: Int] = [:]
    }

    private static let time = TimeAmount.minutes(1)

    /// Searches in a minute.
    private let limit: Int
    private let state: Mutex<State>

    init(limit: Int, at now: NIODeadline) {
        self.limit = limit
        state = Mutex(State(begin: now))
    }

    /// Somebody searches.
    /// - Parameter asker: an account, or the domain of those whose accounts nobody here knows.
    /// - Throws: the error of §4.2.2.4 if that would be too often.
    func take(_ asker: JID, at now: NIODeadline) throws(StanzaError) {
        let end = state.withLock { state -> NIODeadline? in
            if now - state.begin >= Self.time { state = State(begin: now) }
            let count = state.searches[asker] ?? 0
            guard count < limit else { return state.begin + Self.time }
            state.searches[asker] = count + 1
            return nil
        }
        guard let end else { return }
        var error = StanzaError(
            .resourceConstraint, "You have searched too often. Please try again later.", kind: .wait,
            application: ("rate-limit", .channelSearchErrors))
        error.retryAfter = Int((end - now).nanoseconds / 1_000_000_000) + 1
        throw error
    }
}
