internal import NIOCore
internal import Server
internal import Storage
internal import XMPP

extension Archive {
    /// The owner of the archive that a request is about.
    /// - Throws: `forbidden` for everybody else, whether there is an archive or not (XEP-0313 §8.1).
    func owner(of request: IQRequest) throws(StanzaError) -> ArchiveOwner {
        guard request.isOwn else { throw StanzaError(.forbidden) }
        guard let owner = request.account?.withState({ $0[Self.owner] }) else { throw StanzaError(.serviceUnavailable) }
        return owner
    }

    /// Sends the results of a query, and returns the end of the answer.
    func answerQuery(_ request: IQRequest) async throws(StanzaError) -> ByteBuffer? {
        let owner = try owner(of: request)
        guard let account = request.account,
            let session = account.sessions.first(where: { $0.handle.jid == request.from })?.handle
        else { throw StanzaError(.notAllowed, "results go to a session") }
        return try await answer(request.payload, from: owner, to: session)
    }

    /// Sends what a query finds in an archive to a session that may read it, and returns the end of the answer.
    func answer(
        _ query: Element, from owner: ArchiveOwner, to session: SessionHandle
    ) async throws(StanzaError) -> ByteBuffer? {
        let wanted = try ArchiveRequest(
            query, of: owner, first: owner.first(at: kernel.clock.date), pageLimit: kernel.configuration[Self.page])
        try await owner.queue.enter()
        defer { owner.queue.leave() }
        await drain(session)
        guard let page = try await read(wanted, owner, session.jid) else { throw StanzaError(.itemNotFound) }
        await send(wanted.isFlipped ? page.results.reversed() : page.results, of: owner, to: session)
        var writer = XMLWriter()
        writer.element("fin", in: .archive, ["complete": page.isComplete ? "true" : nil]) { writer in
            ResultSet.write(
                first: page.results.first.map { owner.cipher.name(of: $0.place) },
                last: page.results.last.map { owner.cipher.name(of: $0.place) }, index: page.index, count: page.count,
                into: &writer)
        }
        return writer.buffer
    }

    private func read(
        _ wanted: ArchiveRequest, _ owner: ArchiveOwner, _ receiver: JID
    ) async throws(StanzaError) -> ArchivePage? {
        var start = XMLWriter()
        // §4.2: the sender is nobody, or the account; clients that look are content with the account.
        start.buffer.writeStaticString("<message from='")
        start.text(owner.name)
        start.buffer.writeStaticString("' to='")
        start.text(receiver.description)
        start.buffer.writeStaticString("'><result xmlns='urn:xmpp:mam:2'")
        start.attribute("queryid", wanted.queryID)
        start.buffer.writeStaticString(" id='")
        let head = start.buffer
        let cipher = owner.cipher
        do throws(StorageError) {
            return try await kernel.archive.page(wanted.query) { place, payload, buffer in
                buffer.writeImmutableBuffer(head)
                buffer.writeString(cipher.name(of: place))
                buffer.writeStaticString("'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='")
                DateTime(milliseconds: place.milliseconds).write(into: &buffer)
                buffer.writeStaticString("'/>")
                try payload(&buffer)
                buffer.writeStaticString("</forwarded></result></message>")
            }
        } catch {
            throw kernel.refusal(of: error, receiver)
        }
    }

    /// Waits until the client has taken what it was sent before.
    private func drain(_ session: SessionHandle) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            kernel.find(session) { session, _ in
                guard let session else { return continuation.resume() }
                session.whenDrained { continuation.resume() }
            }
        }
    }

    private func send(
        _ results: [(place: ArchivePlace, rendered: ByteBuffer)], of owner: ArchiveOwner, to session: SessionHandle
    ) async {
        guard !results.isEmpty else { return }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            kernel.find(session) { session, _ in
                defer { continuation.resume() }
                guard let session else { return }
                for result in results { session.send(result.rendered) }
                guard owner.name == session.account.jid.description else { return }
                session.hasReadArchive(results.map { owner.cipher.name(of: $0.place) })
            }
        }
    }

    /// XEP-0313 §5
    func answerMetadata(_ request: IQRequest) async throws(StanzaError) -> ByteBuffer? {
        try await answerMetadata(of: try owner(of: request))
    }

    func answerMetadata(of owner: ArchiveOwner) async throws(StanzaError) -> ByteBuffer? {
        do throws(StorageError) {
            return try await metadata(of: owner)
        } catch {
            throw kernel.refusal(of: error, owner.address)
        }
    }

    /// What there is in an archive, all that was archived before included (XEP-0313 §5).
    func metadata(of owner: ArchiveOwner) async throws(StorageError) -> ByteBuffer {
        let first = owner.first(at: kernel.clock.date)
        let ends = try await kernel.archive.ends(of: owner.name, after: ArchivePlace(number: max(0, first.number - 1)))
        var writer = XMLWriter()
        writer.element("metadata", in: .archive) { writer in
            guard let ends else { return }
            for (name, place) in [("start" as StaticString, ends.0), ("end", ends.1)] {
                writer.element(
                    name,
                    [
                        "id": owner.cipher.name(of: place),
                        "timestamp": DateTime(milliseconds: place.milliseconds).description,
                    ])
            }
        }
        return writer.buffer
    }

    /// XEP-0441 §2.1
    func setPreferences(_ request: IQRequest) async throws(StanzaError) -> ByteBuffer? {
        let owner = try owner(of: request)
        let preferences = try ArchivePreferences(request.payload, limit: kernel.configuration[Self.addresses])
        guard let account = request.account else { throw StanzaError(.forbidden) }
        try await kernel.write(of: account.jid) { try preferences.save(owner.name, $0) }
        account.withState { $0[Self.owner] = $0[Self.owner]?.with(preferences) }
        var writer = XMLWriter()
        preferences.write(into: &writer)
        return writer.buffer
    }
}
