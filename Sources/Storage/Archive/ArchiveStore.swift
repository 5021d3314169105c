package import NIOCore
internal import Synchronization

/// Where the archives of accounts are kept: in files beside the database, or in a database that many machines share.
package protocol ArchiveStore: Sendable {
    /// Puts a message at the end of somebody's archive. Any thread; does not wait.
    ///
    /// The place is drawn when the entry takes its turn in the order of writing: who has read an archive up to a place
    /// will never find anything new below it.
    /// - Parameter completion: called on another thread when the entry is on disk, or cannot be brought there.
    /// - Returns: the place; nil if too much waits to be written, or the store is closed: nothing was done, and the
    ///   completion is not called.
    func append(
        _ entry: ArchiveEntry, completion: (@Sendable (StorageError?) -> Void)?
    ) -> ArchivePlace?

    /// How many entries wait for the disk.
    var pendingEntries: Int { get }

    /// Reads a page; what was appended before is seen.
    /// - Parameter render: writes one result. It is given the place, what writes the payload, and the buffer for both;
    ///   called on a thread of the store.
    /// - Returns: nil if one of the query's `known` places is not in the archive.
    func page(_ query: ArchiveQuery, render: @escaping ArchiveRendering) async throws(StorageError) -> ArchivePage?

    /// The places of the first and of the last message of an archive.
    /// - Parameter after: what is there up to this place does not count.
    func ends(of owner: String, after: ArchivePlace) async throws(StorageError) -> (ArchivePlace, ArchivePlace)?

    /// Replaces the payload of the last message of a conversation that was archived before a place and fits.
    ///
    /// Of a long conversation only the last ten thousand messages are looked at. Queries that are made after this was
    /// called see what it has done.
    /// - Parameters:
    ///   - tag: that of the message.
    ///   - change: the new payload; nil if it is another message.
    func replace(
        in owner: String, with peer: String, isSent: Bool, tag: Int32, before: ArchivePlace,
        change: @escaping @Sendable (ByteBuffer) -> ByteBuffer?)

    /// Replaces the payload of the message at a place. Queries that are made after this was called see what it has done.
    /// - Parameters:
    ///   - change: the new payload; nil leaves it as it is.
    ///   - completion: told whether there is a message at the place, once its payload is written.
    func replace(
        at place: ArchivePlace, in owner: String, change: @escaping @Sendable (ByteBuffer) -> ByteBuffer?,
        completion: @escaping @Sendable (Result<Bool, StorageError>) -> Void)

    /// Removes what somebody has archived before a place. Payloads that nobody else refers to go with it.
    func remove(of owner: String, before: ArchivePlace) async throws(StorageError)

    /// Removes what the accounts of some domains have archived before a place.
    /// - Parameter everybody: nobody else has anything from before that place, either.
    func expire(domains: [String], before: ArchivePlace, isEverybody: Bool) async throws(StorageError)

    /// Writes what waits and closes everything. Blocks.
    func close()
}

/// Writes one result of a query: the place, what appends the payload, and the buffer to write to.
package typealias ArchiveRendering = @Sendable (
    ArchivePlace, (inout ByteBuffer) throws -> Void, inout ByteBuffer
) throws -> Void

/// A message as it is kept, once for all archives that it is in.
package final class ArchivedMessage: Sendable {
    let payload: ByteBuffer
    /// What the message is found by when it is to be replaced; not unique.
    let tag: Int32
    /// Where it was put first; 0 before that. Written under the lock under which places are drawn.
    let place = Atomic<Int64>(0)

    package init(payload: ByteBuffer, tag: Int32) {
        self.payload = payload
        self.tag = tag
    }
}

/// A message in one archive.
package struct ArchiveEntry: Sendable {
    package let message: ArchivedMessage
    /// Whose archive: a bare address.
    package let owner: String
    /// With whom: a bare address.
    package let peer: String
    /// The resource of the peer, if the message came from or went to one.
    package let resource: String?
    /// Whether the owner has sent it.
    package let isSent: Bool

    package init(_ message: ArchivedMessage, owner: String, peer: String, resource: String?, isSent: Bool) {
        self.message = message
        self.owner = owner
        self.peer = peer
        self.resource = resource
        self.isSent = isSent
    }
}

/// What somebody wants to read of an archive.
package struct ArchiveQuery: Sendable {
    /// How much is found out about the number of all messages that fit.
    package enum Counting: Sendable {
        /// Whatever it costs.
        case all
        /// If there are so few of them that it costs little.
        case few
    }

    package var owner: String
    /// With whom: a bare address, and a resource if only that one counts.
    package var peer: String?
    package var resource: String?
    /// The messages that fit lie between these places, without them.
    package var after = ArchivePlace.beginning
    package var before = ArchivePlace.end
    /// Only these places, in order; nil for all.
    package var only: [ArchivePlace]?
    /// The page lies between these places, without them.
    package var pageAfter = ArchivePlace.beginning
    package var pageBefore = ArchivePlace.end
    /// Whether the page is filled from its end.
    package var isBackwards = false
    /// How many messages are passed over before the page begins.
    package var skipped = 0
    package var limit: Int
    package var counting = Counting.few
    /// Places that must be in the archive, whether they fit or not.
    package var known: Set<ArchivePlace> = []

    package init(owner: String, limit: Int) {
        self.owner = owner
        self.limit = limit
    }
}

/// What was read.
package struct ArchivePage: Sendable {
    /// In the order of places, whichever way the page was filled.
    package var results: [(place: ArchivePlace, rendered: ByteBuffer)] = []
    /// Whether nothing lies beyond the page, in the direction in which it was filled.
    package var isComplete = true
    /// How many messages fit, if it was found out.
    package var count: Int?
    /// How many of them lie before the page.
    package var index: Int?

    package init() {}
}
