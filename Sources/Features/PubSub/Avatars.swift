internal import NIOCore
package import Server
package import Storage
internal import TLS
package import XMPP

/// XEP-0398: an avatar that is published (XEP-0084) is the photo of the vCard, too (XEP-0153), and the reverse; its hash
/// is put into all presence.
package struct Avatars: Feature {
    package static let xeps = [84, 153, 398]
    package static let migrations = [
        Migration(
            name: "avatars-1",
            sql: ["CREATE TABLE avatar_hashes (account TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL)"])
    ]

    /// The hash of the vCard's photo; nil without one.
    static let hash = AccountSlot<String?>(nil)

    private let engine: PubSubEngine

    package init(kernel: Kernel) {
        engine = PubSubEngine(kernel: kernel)
    }

    package var registrations: [[Registration]] {
        [
            Registration.advertise(["urn:xmpp:pep-vcard-conversion:0"], on: .account),
            Registration.loading { account, transaction, state in
                state[Self.hash] = try transaction.first(
                    "SELECT hash FROM avatar_hashes WHERE account = $1", [.text(account.description)]
                ) { try $0.text(0) }
            },
            Registration.presence(.fromClient, .rewrite) { stanza, scope throws(StanzaError) in
                try inject(&stanza, scope)
                return .next
            },
            Registration.vCardChanged { account, vCard in await publish(vCard, of: account) },
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM avatar_hashes WHERE account = $1", [.text(account.description)])
    }

    // MARK: Presence

    /// §4: "services MUST include the hash on behalf of their users in every available presence that does not contain an
    /// empty photo element"
    private func inject(_ stanza: inout Stanza, _ scope: HookScope) throws(StanzaError) {
        guard stanza.type == .available, let hash = scope.account.withState({ $0[Self.hash] }) else { return }
        let photo = stanza.element?.child("x", in: .avatarUpdate)?.child("photo")
        guard photo == nil || photo?.text.isEmpty == false && photo?.text != hash else { return }
        try scope.loop.rewrite(&stanza) { presence, writer in
            for child in presence.children where !child.isNamed("x", in: .avatarUpdate) { writer.copy(child, inside: .client) }
            writer.element("x", in: .avatarUpdate) { $0.element("photo", text: hash) }
        }
    }

    // MARK: From the vCard

    /// §3.2
    private func publish(_ vCard: Element, of account: Account) async {
        let photo = VCardPhoto(vCard)
        let host = PubSubHost(account: account.jid, account, engine.limits)
        // The vCard is stored already; what cannot be published is not.
        _ = try? await engine.change(host) { store in
            try AvatarConversion.save(photo?.hash, store)
            return PubSubOutcome()
        }
        _ = try? await engine.change(host) { store in
            PubSubOutcome(try AvatarConversion().publish(photo, store))
        }
    }
}

/// The photo of a vCard (XEP-0054, XEP-0153 §3.3).
struct VCardPhoto: Sendable {
    let type: String
    /// Base 64 without white space.
    let data: String
    let size: Int
    /// SHA-1, hexadecimal.
    let hash: String

    /// Nil without a photo, or with one that is elsewhere.
    init?(_ vCard: Element) {
        guard let photo = vCard.child("PHOTO", in: .vCard), let text = photo.child("BINVAL", in: .vCard)?.text else { return nil }
        self.init(type: photo.child("TYPE", in: .vCard)?.text ?? "image/png", text)
    }

    init?(type: String, _ text: String) {
        let digits = text.utf8.filter { $0 > 0x20 }
        guard !digits.isEmpty, let image = Base64.decode(Array(digits)), !image.isEmpty else { return nil }
        self.type = type
        data = String(decoding: digits, as: UTF8.self)
        size = image.count
        hash = Hash.sha1.digest(image).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}

/// Keeps the published avatar and the vCard's photo alike.
struct AvatarConversion: NodeReaction {
    private static let data = Namespace.avatarData.description
    private static let metadata = Namespace.avatarMetadata.description

    let nodes: Set<String> = [metadata]

    /// §3.1: what is published is put into the vCard, if it is there for everybody to see, as vCards are (§8).
    func react(to changed: Set<String>, _ store: NodeStore) throws -> [Announcement] {
        guard let node = try store.node(Self.metadata) else { return [] }
        guard node.configuration.accessModel == .open else { return [] }
        guard let item = try store.lastItem(of: node), let metadata = NodeStore.element(item.payload) else { return [] }
        let infos = metadata.children.filter { $0.isNamed("info", in: .avatarMetadata) }
        guard !infos.isEmpty else {
            try setPhoto(nil, store)
            return []
        }
        // "MUST pick the info element that does not point to an external URL"
        guard let info = infos.first(where: { !$0.hasAttribute("url") }), let id = info["id"],
            let dataNode = try store.node(Self.data), dataNode.configuration.accessModel == .open,
            let data = try store.item(id, of: dataNode).flatMap({ NodeStore.element($0.payload) }),
            let photo = VCardPhoto(type: info["type"] ?? "image/png", data.text),
            photo.hash == id.lowercased()
        else { return [] }
        try setPhoto(photo, store)
        return []
    }

    /// §3.2: the vCard's photo is published; without one there is no avatar any more.
    func publish(_ photo: VCardPhoto?, _ store: NodeStore) throws -> [Announcement] {
        let node = try store.node(Self.metadata)
        let current = try node.flatMap { try store.lastItem(of: $0) }.flatMap { NodeStore.element($0.payload) }
        let info = current?.children.first { $0.isNamed("info", in: .avatarMetadata) && !$0.hasAttribute("url") }
        guard info?["id"] != photo?.hash else { return [] }
        var configuration = store.host.defaults
        configuration.accessModel = .open
        var announcements: [Announcement] = []
        var writer = XMLWriter()
        if let photo {
            var data = XMLWriter()
            data.element("data", in: .avatarData, text: photo.data)
            announcements += try Publishing.publish(
                .init(id: photo.hash, payload: (String(buffer: data.buffer), Self.data)), to: Self.data,
                configuration: configuration, store)
            writer.element("metadata", in: .avatarMetadata) {
                $0.element("info", ["id": photo.hash, "bytes": String(photo.size), "type": photo.type])
            }
        } else {
            writer.element("metadata", in: .avatarMetadata)
        }
        return announcements + (try Publishing.publish(
            .init(id: photo?.hash, payload: (String(buffer: writer.buffer), Self.metadata)), to: Self.metadata,
            configuration: configuration, store))
    }

    // MARK: vCard

    private func setPhoto(_ photo: VCardPhoto?, _ store: NodeStore) throws {
        let account = SQLValue.text(store.host.address.description)
        let text = try store.transaction.first("SELECT content FROM vcards WHERE account = $1", [account]) { try $0.text(0) }
        let vCard = text.flatMap(NodeStore.element)
        if vCard.flatMap(VCardPhoto.init)?.hash != photo?.hash {
            try store.transaction.execute(
                """
                INSERT INTO vcards (account, content) VALUES ($1, $2)
                ON CONFLICT (account) DO UPDATE SET content = excluded.content
                """, [account, .text(Self.vCard(vCard, with: photo))])
        }
        try Self.save(photo?.hash, store)
    }

    private static func vCard(_ before: Element?, with photo: VCardPhoto?) -> String {
        var writer = XMLWriter()
        writer.element("vCard", in: .vCard) { writer in
            if let before {
                for child in before.children where !child.isNamed("PHOTO", in: .vCard) { writer.copy(child, inside: .vCard) }
            }
            guard let photo else { return }
            writer.element("PHOTO") { writer in
                writer.element("TYPE", text: photo.type)
                writer.element("BINVAL", text: photo.data)
            }
        }
        return String(buffer: writer.buffer)
    }

    /// Remembers the hash for presence.
    static func save(_ hash: String?, _ store: NodeStore) throws {
        let name = SQLValue.text(store.host.address.description)
        if let hash {
            try store.transaction.execute(
                """
                INSERT INTO avatar_hashes (account, hash) VALUES ($1, $2)
                ON CONFLICT (account) DO UPDATE SET hash = excluded.hash
                """, [name, .text(hash)])
        } else {
            try store.transaction.execute("DELETE FROM avatar_hashes WHERE account = $1", [name])
        }
        let account = store.host.account
        store.changes.afterwards.append { account?.withState { $0[Avatars.hash] = hash } }
    }
}

extension Namespace {
    static let avatarData: Namespace = "urn:xmpp:avatar:data"
    static let avatarMetadata: Namespace = "urn:xmpp:avatar:metadata"
    static let avatarUpdate: Namespace = "vcard-temp:x:update"
}
