internal import Dispatch
internal import Logging
internal import NIOCore
package import Server
package import Storage
internal import Synchronization
internal import TLS
package import XMPP

/// XEP-0313: the messages that an account sends and receives are kept, and its clients can read them.
///
/// With preferences (XEP-0441) and tombstones of messages that were taken back (XEP-0424).
package struct Archive: Feature {
    package static let xeps = [184, 313, 333, 424, 428, 441]
    package static let settings = [
        AnySetting(enabled), AnySetting(keep), AnySetting(page), AnySetting(preference), AnySetting(addresses),
        AnySetting(receipts),
    ]
    package static let migrations = [ArchivePreferences.migration]

    static let enabled = Setting(
        "archive.enabled", default: true,
        "Whether messages are archived, so that all devices of a user see them. A domain may differ.")

    static let keep = Setting(
        "archive.keep", default: Duration?.none, in: .seconds(86_400)...(.seconds(36_500 * 86_400)), none: "forever",
        "How long messages are archived. A domain may differ. Files are deleted when all of a month is older.")

    static let page = Setting(
        "archive.page", default: 100, in: 1...1_000, "How many messages a client is given at most for one query.")

    static let preference = Setting(
        "archive.default", default: ArchivePreferences.Default.always,
        "Whose messages are archived for a user who has set nothing: everybody's, nobody's, or those of people in the roster.")

    static let addresses = Setting(
        "archive.addresses", default: 1_000, in: 10...10_000,
        "How many addresses a user may except from that rule, in each direction.")

    static let receipts = Setting(
        "archive.receipts", default: true, "Whether receipts of delivery are archived, too.")

    /// More than that may not wait for the disk without their senders' waiting, too; a few dozen milliseconds of work.
    static let pendingEntries = 2_000

    static let owner = AccountSlot<ArchiveOwner?>(nil)

    unowned let kernel: Kernel
    let rules: ArchiveRules
    private let archivesReceipts: Bool

    package init(kernel: Kernel) {
        self.kernel = kernel
        rules = ArchiveRules(kernel.configuration)
        archivesReceipts = kernel.configuration[Self.receipts]
    }

    package var registrations: [[Registration]] {
        guard rules.hasArchives else { return [] }
        let secret = secret()
        let preference = kernel.configuration[Self.preference]
        return [
            Registration.loading { account, transaction, state in
                guard rules.hasArchive(account), let secret else { return }
                let name = account.description
                let removed = try transaction.first(
                    "SELECT place FROM archive_removals WHERE account = $1", [.text(name)]) { try $0.integer(0) }
                state[Self.owner] = ArchiveOwner(
                    account, cipher: PlaceCipher(secret: secret, owner: account),
                    preferences: try ArchivePreferences.load(name, transaction) ?? ArchivePreferences(default: preference),
                    beginning: removed.map { ArchivePlace(number: Int64($0)) } ?? .beginning,
                    keep: rules.keep(of: account), queue: QueryQueue())
            },
            Registration.message(.fromClient, .archive) { stanza, scope throws(StanzaError) in
                try archiveSent(&stanza, scope)
                return .next
            },
            Registration.message(.toAccount, .archive) { stanza, scope throws(StanzaError) in
                try archiveReceived(&stanza, scope)
                return .next
            },
            Registration.advertise(
                [
                    "urn:xmpp:mam:2", "urn:xmpp:mam:2#extended", "urn:xmpp:mam:2#groupchat-field",
                    "http://jabber.org/protocol/rsm", "urn:xmpp:message-retract:1", "urn:xmpp:message-retract:1#tombstone",
                ], on: .account, where: { rules.hasArchive($0.jid) }),
            Registration.iq(.set, "query", in: .archive, on: .account, isAdvertised: false, .concurrent { request throws(StanzaError) in
                try await answerQuery(request)
            }),
            Registration.iq(.get, "query", in: .archive, on: .account, isAdvertised: false, .inline { request, _, _, writer throws(StanzaError) in
                _ = try owner(of: request)
                ArchiveRequest.writeForm(into: &writer)
            }),
            Registration.iq(.get, "metadata", in: .archive, on: .account, isAdvertised: false, .concurrent { request throws(StanzaError) in
                try await answerMetadata(request)
            }),
            Registration.iq(.get, "prefs", in: .archive, on: .account, isAdvertised: false, .inline { request, _, _, writer throws(StanzaError) in
                try owner(of: request).preferences.write(into: &writer)
            }),
            Registration.iq(.set, "prefs", in: .archive, on: .account, isAdvertised: false, .ordered { request throws(StanzaError) in
                try await setPreferences(request)
            }),
            // XEP-0386 §3.2
            Registration.boundReport { account in
                guard let owner = account.withState({ $0[Self.owner] }) else { return nil }
                do throws(StorageError) {
                    return try await metadata(of: owner)
                } catch {
                    _ = kernel.refusal(of: error, account.jid)
                    return nil
                }
            },
            Registration.chore(every: .seconds(30)) { await tidy { () async throws in try await removeArchives() } },
            Registration.chore(every: .seconds(3_600)) { await tidy { () async throws in try await expire() } },
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try ArchivePreferences.remove(account.description, transaction)
        // The archive is in other files, which a chore of the server removes it from.
        try transaction.execute(
            """
            INSERT INTO archive_removals (account, place) VALUES ($1, $2)
            ON CONFLICT (account) DO UPDATE SET place = excluded.place
            """, [.text(account.description), .integer(Int(ArchivePlace(firstOf: DateTime.now.milliseconds + 1).number))])
    }

    /// What the names of places are made with, the same for ever. Blocks until it is on disk.
    private func secret() -> [UInt8]? {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<Result<[UInt8]?, StorageError>>(.success(nil))
        let new = randomBytes(32)
        kernel.database.write { transaction in
            try transaction.execute(
                "INSERT INTO archive_secret (name, secret) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                [.text("places"), .bytes(new)])
            return try transaction.first("SELECT secret FROM archive_secret WHERE name = $1", [.text("places")]) {
                try $0.bytes(0)
            }
        } completion: { outcome in
            result.withLock { $0 = outcome }
            done.signal()
        }
        done.wait()
        switch result.withLock({ $0 }) {
        case .success(let secret): return secret
        case .failure(let error):
            kernel.logger.error("Messages are not archived.", metadata: [LogKeys.reason: "\(error)"])
            return nil
        }
    }

    // MARK: Archiving

    /// What a message leaves behind, for both archives.
    private final class Copy: Sendable {
        let message: ArchivedMessage
        /// Whether the sender was told that the message is not archived.
        let isRefused = Atomic<Bool>(false)

        init(_ message: ArchivedMessage) { self.message = message }
    }

    private func archiveSent(_ stanza: inout Stanza, _ scope: HookScope) throws(StanzaError) {
        guard let owner = scope.account.withState({ $0[Self.owner] }), let element = stanza.element else { return }
        let content = ArchivableContent(element)
        let peer = stanza.to ?? scope.account.jid
        if content.isArchived(stanza.type, receipts: archivesReceipts), archives(peer, owner, scope.account) {
            stanza.placement = try append(stanza, copy(stanza, to: peer), owner, peer, isSent: true, isFirst: true, scope)
        }
        if content.isRetraction { retract(stanza, owner, peer, isSent: true) }
    }

    private func archiveReceived(_ stanza: inout Stanza, _ scope: HookScope) throws(StanzaError) {
        let sent = stanza.placement
        stanza.placement = nil
        guard let owner = scope.account.withState({ $0[Self.owner] }), let element = stanza.element, let peer = stanza.from,
            let to = stanza.to
        else { return }
        if let sent, sent.owner == scope.account.jid {
            // §6.1.1: a message to oneself is in the archive already.
            return stanza.place(at: sent)
        }
        let content = ArchivableContent(element)
        if content.isArchived(stanza.type, receipts: archivesReceipts), archives(peer, owner, scope.account) {
            let copy = sent?.copy as? Copy ?? copy(stanza, to: to)
            stanza.place(at: try append(stanza, copy, owner, peer, isSent: false, isFirst: sent == nil, scope))
        }
        if content.isRetraction { retract(stanza, owner, peer, isSent: false) }
    }

    private func archives(_ peer: JID, _ owner: ArchiveOwner, _ account: Account) -> Bool {
        owner.preferences.archives(peer) { account.withState { $0.roster[peer.bare] != nil } }
    }

    private func copy(_ stanza: Stanza, to: JID) -> Copy {
        var stanza = stanza
        stanza.to = to
        var payload = ByteBuffer()
        payload.reserveCapacity((stanza.element?.size ?? 0) + 192)
        stanza.writeForwarded(into: &payload)
        return Copy(ArchivedMessage(payload: payload, tag: Self.tag(of: stanza.element)))
    }

    /// What a message is found by when it is taken back. FNV-1a; who makes ids collide finds nobody's messages but
    /// their own.
    static func tag(of element: Element?) -> Int32 {
        element?.withAttribute("id") { tag(of: $0) } ?? 0
    }

    static func tag(of id: UnsafeRawBufferPointer) -> Int32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in id { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return Int32(bitPattern: hash)
    }

    /// The message is delivered without waiting for the disk; what waits is its acknowledgement (XEP-0198 §4).
    /// - Parameter isFirst: whether no other archive has the message.
    private func append(
        _ stanza: Stanza, _ copy: Copy, _ owner: ArchiveOwner, _ peer: JID, isSent: Bool, isFirst: Bool, _ scope: HookScope
    ) throws(StanzaError) -> Placement {
        let entry = ArchiveEntry(
            copy.message, owner: owner.name, peer: peer.bare.description, resource: peer.resource, isSent: isSent)
        let release = scope.session?.withholdAcknowledgement()
        // Who sends faster than the disk writes is not read from until it has written this.
        let resume = isFirst && kernel.archive.pendingEntries > Self.pendingEntries ? scope.pauseSender() : nil
        let sender = scope.session?.handle
        let (type, from, to, id) = (stanza.type, stanza.from, stanza.to, stanza.identifier)
        let loop = scope.loop.index
        let place = kernel.archive.append(entry) { [unowned kernel] error in
            if let error {
                kernel.logger.error(
                    "A message cannot be archived.",
                    metadata: [LogKeys.jid: "\(owner.name)", LogKeys.reason: "\(error)"])
                if !copy.isRefused.exchange(true, ordering: .relaxed) {
                    let refused = Stanza(.message, type: type, from: from, to: to, id: id)
                    Self.refuse(refused, sender, loop, kernel)
                }
            }
            release?()
            resume?()
        }
        guard let place else {
            release?()
            resume?()
            throw StanzaError(.resourceConstraint)
        }
        return Placement(
            owner: scope.account.jid, id: owner.cipher.name(of: place),
            received: DateTime(milliseconds: place.milliseconds), copy: copy)
    }

    /// The sender is told; before the acknowledgement that the caller withholds.
    private static func refuse(_ stanza: Stanza, _ sender: SessionHandle?, _ loop: Int, _ kernel: Kernel) {
        let error = StanzaError(.resourceConstraint, "the message was delivered, but cannot be archived")
        guard let sender else {
            return kernel.loops[loop].execute { $0.kernel.router.bounce(stanza, error, on: $0) }
        }
        kernel.find(sender) { session, loop in
            if let session { session.refuse(stanza, error) } else { loop.kernel.router.bounce(stanza, error, on: loop) }
        }
    }

    // MARK: Taking back

    /// XEP-0424 §4. Both archives do it, for the one that is not kept with the other.
    private func retract(_ stanza: Stanza, _ owner: ArchiveOwner, _ peer: JID, isSent: Bool) {
        let now = stanza.placement?.received ?? kernel.clock.date
        guard let retraction = MessageRetraction(stanza, received: now) else { return }
        var target = retraction.target
        let tag = target.withUTF8 { Self.tag(of: UnsafeRawBufferPointer($0)) }
        let before = stanza.placement.flatMap { owner.cipher.place(named: $0.id) } ?? .end
        kernel.archive.replace(
            in: owner.name, with: peer.bare.description, isSent: isSent, tag: tag, before: before
        ) { retraction.tombstone(of: $0) }
    }
}
