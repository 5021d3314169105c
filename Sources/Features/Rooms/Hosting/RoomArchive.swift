internal import Logging
internal import NIOCore
internal import Server
internal import Storage
internal import Synchronization
internal import XMPP

/// The archives of rooms (XEP-0313 §7), which are kept beside those of accounts.
struct RoomArchive: Sendable {
    private unowned let kernel: Kernel
    private let rules: ArchiveRules
    private let archive: Archive
    private let label: String

    init(kernel: Kernel) {
        self.kernel = kernel
        rules = ArchiveRules(kernel.configuration)
        archive = Archive(kernel: kernel)
        label = kernel.configuration[MultiUserChat.label]
    }

    /// The domain that a room's service stands below.
    private func domain(of room: JID) -> JID? { kernel.domains.keys.first { "\(label).\($0)" == room.domain } }

    func hasArchive(_ room: JID) -> Bool { domain(of: room).map(rules.hasArchive) ?? false }

    func owner(of room: Room) -> ArchiveOwner {
        ArchiveOwner(
            room.address, cipher: PlaceCipher(secret: room.secret, owner: room.address),
            preferences: ArchivePreferences(default: .always), beginning: ArchivePlace(firstOf: room.created.milliseconds),
            keep: domain(of: room.address).flatMap(rules.keep), queue: QueryQueue())
    }

    // MARK: Writing

    /// The sender's client is told that the server has its message when what is returned is called.
    func withhold(_ session: Session) -> @Sendable () -> Void {
        let release = session.withholdAcknowledgement()
        // Who sends faster than the disk writes is not read from until it has written this.
        let resume = kernel.archive.pendingEntries > Archive.pendingEntries ? session.pause() : nil
        return {
            release()
            resume?()
        }
    }

    func isWorth(_ message: Stanza) -> Bool {
        message.element.map { ArchivableContent($0).isArchivedInRooms(isSubject: RoomSubject.isChange(message)) } ?? false
    }

    /// Puts a message into the archive, and its place into the message.
    /// - Returns: false if too much waits for the disk: nothing was done.
    func append(_ message: inout Stanza, _ owner: ArchiveOwner, because event: HostedRoom.Event?, on loop: LoopContext) -> Bool {
        var payload = ByteBuffer()
        payload.reserveCapacity((message.element?.size ?? 0) + 192)
        message.writeForwarded(into: &payload)
        let copy = ArchivedMessage(payload: payload, tag: Archive.tag(of: message.element))
        // By their names in the room: who asks for an address shall not learn who is behind a name.
        let entry = ArchiveEntry(
            copy, owner: owner.name, peer: owner.name, resource: message.from?.resource, isSent: false)
        let reference = kernel.loops[loop.index]
        let place = kernel.archive.append(entry) { [kernel] error in
            if let error { report(error, owner, event, reference, kernel) } else { event?.settle?() }
        }
        guard let place else { return false }
        message.place(
            at: Placement(
                owner: owner.address, id: owner.cipher.name(of: place),
                received: DateTime(milliseconds: place.milliseconds), copy: copy))
        return true
    }

    private func report(
        _ error: StorageError, _ owner: ArchiveOwner, _ event: HostedRoom.Event?, _ loop: LoopReference, _ kernel: Kernel
    ) {
        kernel.logger.error(
            "A message cannot be archived.", metadata: [LogKeys.jid: "\(owner.name)", LogKeys.reason: "\(error)"])
        let refusal = StanzaError(.resourceConstraint, "the message was delivered, but cannot be archived")
        if let refused = event?.stanza.bounced(refusal, by: owner.address) {
            loop.execute { $0.kernel.send(refused, on: $0) }
        }
        // Not before it is on its way.
        if let settle = event?.settle { loop.execute { _ in settle() } }
    }

    // MARK: Taking back

    /// XEP-0424 §4
    func retract(_ retraction: RoomRetraction, _ owner: ArchiveOwner) {
        guard let place = place(retraction.target, owner) else { return }
        kernel.archive.replace(at: place, in: owner.name) {
            retraction.tombstone(of: $0)
        } completion: { [kernel] result in
            guard case .failure(let error) = result else { return }
            kernel.logger.error(
                "A message cannot be taken back.", metadata: [LogKeys.jid: "\(owner.name)", LogKeys.reason: "\(error)"])
        }
    }

    /// XEP-0425 §4
    func moderate(
        _ moderation: RoomModeration, _ owner: ArchiveOwner,
        completion: @escaping @Sendable (Result<RoomModeration.Finding, StorageError>) -> Void
    ) {
        guard let place = place(moderation.target, owner) else { return completion(.success(.nothing)) }
        let isReplaced = Atomic<Bool>(false)
        kernel.archive.replace(at: place, in: owner.name) { stored in
            let tombstone = moderation.tombstone(of: stored)
            if tombstone != nil { isReplaced.store(true, ordering: .relaxed) }
            return tombstone
        } completion: { result in
            completion(
                result.map { isFound in
                    isReplaced.load(ordering: .relaxed) ? .message : isFound ? .tombstone : .nothing
                })
        }
    }

    private func place(_ name: String, _ owner: ArchiveOwner) -> ArchivePlace? {
        owner.cipher.place(named: name).flatMap { $0 < owner.first(at: kernel.clock.date) ? nil : $0 }
    }

    /// A room is no more. Should the server be killed now, what is left behind is read by nobody, for the next room
    /// begins later.
    func remove(_ room: JID) {
        guard hasArchive(room) else { return }
        let end = ArchivePlace(firstOf: kernel.clock.date.milliseconds + 1)
        Task { [archive, kernel] in
            await archive.tidy { () async throws in
                try await kernel.archive.remove(of: room.description, before: end)
            }
        }
    }

    /// Removes what has been kept long enough.
    func expire() async {
        for (domain, keep) in rules.limited {
            let before = ArchivePlace(firstOf: kernel.clock.date.milliseconds - keep)
            await archive.tidy { () async throws in
                try await kernel.archive.expire(domains: ["\(label).\(domain)"], before: before, isEverybody: false)
            }
        }
    }

    // MARK: Reading

    /// Gives a room that was read its history.
    func recall(_ room: inout Room) async throws(StanzaError) {
        let owner = owner(of: room)
        let wanted = room.configuration.history.messages
        var query = ArchiveQuery(owner: owner.name, limit: wanted)
        guard wanted > 0 else { return }
        query.after = ArchivePlace(number: owner.first(at: kernel.clock.date).number - 1)
        query.isBackwards = true
        var found: [(message: Stanza, time: DateTime)] = []
        // Not all that is archived belongs to the history.
        for _ in 0..<Self.recalledPages where found.count < wanted {
            let page: ArchivePage?
            do throws(StorageError) {
                page = try await kernel.archive.page(query) { _, payload, buffer in try payload(&buffer) }
            } catch {
                throw kernel.refusal(of: error, room.address)
            }
            guard let page else { break }
            found = page.results.compactMap { message($0, of: room, owner) } + found
            guard !page.isComplete, let first = page.results.first else { break }
            query.pageBefore = first.place
        }
        for (message, time) in found.suffix(wanted) { room.remember(message, at: time) }
    }

    /// How many pages are read at most, each as long as the history.
    private static let recalledPages = 5

    /// A message as it was archived; nil if it means nothing later.
    private func message(
        _ result: (place: ArchivePlace, rendered: ByteBuffer), of room: Room, _ owner: ArchiveOwner
    ) -> (message: Stanza, time: DateTime)? {
        guard let element = try? StanzaParser().parse(result.rendered), let from = element["from"].flatMap({ try? JID($0) })
        else { return nil }
        let time = DateTime(milliseconds: result.place.milliseconds)
        var message = Stanza(kind: .message, type: .groupchat, from: from, to: nil, element: element)
        message.place(
            at: Placement(owner: room.address, id: owner.cipher.name(of: result.place), received: time, copy: owner))
        return Room.isRemembered(message) ? (message, time) : nil
    }

    /// What a stanza asks of an archive; nil for every other.
    func query(_ stanza: Stanza) -> Element? {
        guard stanza.kind == .iq, stanza.type == .get || stanza.type == .set, stanza.to?.isBare == true,
            let payload = stanza.element?.firstChild, payload.isIn(.archive)
        else { return nil }
        return payload
    }

    /// - Parameter isAllowed: whether who asks may read it.
    func answer(_ query: Element, _ stanza: Stanza, _ owner: ArchiveOwner, isAllowed: Bool, on loop: LoopContext) {
        let reference = kernel.loops[loop.index]
        reference.task {
            let answer: Stanza?
            do throws(StanzaError) {
                guard hasArchive(owner.address) else { throw StanzaError(.serviceUnavailable) }
                guard isAllowed else { throw StanzaError(.forbidden) }
                var result = Stanza(.iq, type: .result, from: stanza.to, to: stanza.from, id: stanza.identifier)
                result.content = try await content(query, stanza, owner)
                answer = result
            } catch {
                answer = stanza.bounced(error, by: owner.address)
            }
            guard let answer else { return }
            reference.execute { $0.kernel.send(answer, on: $0) }
        }
    }

    private func content(
        _ query: Element, _ stanza: Stanza, _ owner: ArchiveOwner
    ) async throws(StanzaError) -> ByteBuffer? {
        if stanza.type == .get, query.isNamed("metadata", in: .archive) { return try await archive.answerMetadata(of: owner) }
        guard query.isNamed("query", in: .archive) else { throw StanzaError(.serviceUnavailable) }
        guard stanza.type == .set else {
            var writer = XMLWriter()
            ArchiveRequest.writeForm(into: &writer)
            return writer.buffer
        }
        guard let asker = stanza.from,
            let session = kernel.accounts[asker.bare]?.sessions.first(where: { $0.handle.jid == asker })?.handle
        else { throw StanzaError(.notAllowed, "results go to a session") }
        return try await archive.answer(query, from: owner, to: session)
    }
}
