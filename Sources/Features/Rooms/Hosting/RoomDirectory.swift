internal import Synchronization
internal import XMPP

/// The public rooms that are only in memory, as anybody may know of them. Used from all event loops.
final class RoomDirectory: Sendable {
    private let names = Mutex<[JID: String]>([:])

    /// - Parameter name: nil takes the room out.
    func list(_ room: JID, as name: String?) { names.withLock { $0[room] = name } }

    /// In the order of their addresses.
    func rooms(of service: JID) -> [(address: String, name: String)] {
        names.withLock { names in
            names.filter { $0.key.hasSameDomain(as: service) }.map { (address: $0.key.description, name: $0.value) }
        }.sorted { $0.address.utf8.lexicographicallyPrecedes($1.address.utf8) }
    }
}

extension Room {
    /// What it is called there; nil for rooms that are not to be found, and for those that are found in storage.
    var nameInDirectory: String? {
        let isListed = configuration.visibility.isPublic && !configuration.persistence.isPersistent && !isLocked
        return isListed ? configuration.description.name : nil
    }
}
