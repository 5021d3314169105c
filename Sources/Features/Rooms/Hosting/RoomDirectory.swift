internal import Synchronization
internal import XMPP

/// The public rooms that are in memory, as anybody may know of them. Used from all event loops.
final class RoomDirectory: Sendable {
    /// A room as it is now.
    struct Entry: Sendable, Equatable {
        let listing: RoomListing
        /// Whether the room is found in storage, too.
        let isStored: Bool
    }

    private let entries = Mutex<[JID: Entry]>([:])

    /// - Parameter entry: nil takes the room out.
    func list(_ room: JID, as entry: Entry?) { entries.withLock { $0[room] = entry } }

    /// Those that are only in memory, in the order of their addresses.
    func rooms(of service: JID) -> [(address: String, name: String)] {
        found(of: service).values.filter { !$0.isStored }.map { (address: $0.listing.address, name: $0.listing.name) }
            .sorted { $0.address.utf8.lexicographicallyPrecedes($1.address.utf8) }
    }

    /// All, by their addresses.
    func found(of service: JID) -> [String: Entry] {
        let found = entries.withLock { entries in entries.filter { $0.key.hasSameDomain(as: service) }.map(\.value) }
        return Dictionary(found.map { ($0.listing.address, $0) }, uniquingKeysWith: { first, _ in first })
    }
}

extension Room {
    /// How it is listed; nil for rooms that are not to be found.
    var directoryEntry: RoomDirectory.Entry? {
        guard !isLocked, let listing = RoomListing(address.description, configuration, occupants: occupantCount) else {
            return nil
        }
        return RoomDirectory.Entry(listing: listing, isStored: configuration.persistence.isPersistent)
    }
}
