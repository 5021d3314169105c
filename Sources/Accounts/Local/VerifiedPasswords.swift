internal import Synchronization
internal import TLS
internal import XMPP

/// Remembers passwords that were found right, so that everybody may come back at once after a loss of the network
/// without each password being hashed slowly again.
///
/// What is kept is an HMAC under a key of this process, over the account's own key too: another password, another
/// salt or another process has another one. Two generations bound it: when the young one is full it becomes the old
/// one, and what of the old was not used meanwhile is forgotten.
final class VerifiedPasswords: Sendable {
    private struct Generations {
        var young: Set<[UInt8]> = []
        var old: Set<[UInt8]> = []
    }

    private let key = randomBytes(32)
    private let capacity: Int
    private let generations = Mutex(Generations())

    init(capacity: Int = 20_000) {
        self.capacity = max(2, capacity)
    }

    /// Names a password of an account in this cache.
    func tag(user: String, domain: String, keys: ScramKeys, password: [UInt8]) -> [UInt8] {
        // Each part in front of the password has a known end: names hold no zero byte, the keys a fixed length.
        var message = Array(user.utf8) + [0] + Array(domain.utf8) + [0]
        message += Hash.sha256.digest(keys.salt) + Hash.sha256.digest(keys.storedKey) + password
        return Hash.sha256.hmac(key: key, message)
    }

    func contains(_ tag: [UInt8]) -> Bool {
        generations.withLock { generations in
            if generations.young.contains(tag) { return true }
            guard generations.old.contains(tag) else { return false }
            insert(tag, into: &generations)
            return true
        }
    }

    func insert(_ tag: [UInt8]) {
        generations.withLock { insert(tag, into: &$0) }
    }

    private func insert(_ tag: [UInt8], into generations: inout Generations) {
        if generations.young.count >= capacity / 2 {
            generations.old = generations.young
            generations.young = []
        }
        generations.young.insert(tag)
    }
}
