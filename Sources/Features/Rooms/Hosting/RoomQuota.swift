internal import Synchronization
internal import XMPP

/// How many rooms everybody has made that are in memory. Used from all event loops.
final class RoomQuota: Sendable {
    private let limit: Int
    private let made = Mutex<[JID: Int]>([:])

    init(limit: Int) { self.limit = limit }

    /// Somebody makes a room; false if that would be too many.
    func take(_ creator: JID) -> Bool {
        made.withLock { made in
            let count = made[creator.bare] ?? 0
            guard count < limit else { return false }
            made[creator.bare] = count + 1
            return true
        }
    }

    /// A room has ended, or has left memory.
    func giveBack(_ creator: JID) {
        made.withLock { made in
            let count = (made[creator.bare] ?? 1) - 1
            made[creator.bare] = count > 0 ? count : nil
        }
    }
}
