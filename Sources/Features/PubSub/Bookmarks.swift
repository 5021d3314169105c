internal import NIOCore
package import Server
package import Storage
package import XMPP

/// XEP-0402: bookmarks of rooms are items of a node; clients that still keep them in one element, in private storage
/// (XEP-0049) or in a node (XEP-0048), see and change the same ones.
package struct Bookmarks: Feature {
    package static let xeps = [402]
    package static let migrations = [
        Migration(
            name: "bookmarks-1",
            sql: ["CREATE TABLE bookmark_remainders (account TEXT NOT NULL PRIMARY KEY, content TEXT NOT NULL)"])
    ]

    private let engine: PubSubEngine

    package init(kernel: Kernel) {
        engine = PubSubEngine(kernel: kernel)
    }

    package var registrations: [[Registration]] {
        [
            Registration.advertise(["\(Namespace.bookmarks)#compat", "\(Namespace.bookmarks)#compat-pep"], on: .account),
            Registration.privateElement(
                PrivateElement(
                    "storage", in: .oldBookmarks,
                    get: { account throws(StanzaError) in
                        let host = PubSubHost(account: account.jid, account, engine.limits)
                        let text = try await engine.kernel.read(of: account.jid) { transaction in
                            try BookmarkUnification().collated(
                                NodeStore(transaction, host, now: engine.kernel.clock.date))
                        }
                        return ByteBuffer(string: text)
                    },
                    set: { storage, account throws(StanzaError) in
                        let host = PubSubHost(account: account.jid, account, engine.limits)
                        try await engine.change(host) { store in
                            PubSubOutcome(try BookmarkUnification().takeOver(storage, store))
                        }
                    })),
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM bookmark_remainders WHERE account = $1", [.text(account.description)])
    }
}

/// Keeps the two forms of bookmarks alike (XEP-0402 §6).
struct BookmarkUnification: NodeReaction {
    private static let node = Namespace.bookmarks.description
    private static let oldNode = Namespace.oldBookmarks.description

    let nodes: Set<String> = [node, oldNode]

    func react(to changed: Set<String>, _ store: NodeStore) throws -> [Announcement] {
        if changed.contains(Self.node) { return try writeOld(store) }
        guard let node = try store.node(Self.oldNode), let item = try store.lastItem(of: node),
            let storage = NodeStore.element(item.payload)
        else { return [] }
        return try takeOver(storage, store)
    }

    // MARK: To the old form

    /// All bookmarks as one element, with what else was kept in it.
    func collated(_ store: NodeStore) throws -> String {
        let items = try bookmarks(store)
        let others = try store.transaction.first(
            "SELECT content FROM bookmark_remainders WHERE account = $1", [.text(store.host.address.description)]
        ) { try $0.text(0) } ?? ""
        var writer = XMLWriter()
        writer.element("storage", in: .oldBookmarks) { writer in
            for item in items {
                guard let conference = NodeStore.element(item.payload) else { continue }
                writer.element(
                    "conference", ["jid": item.id, "name": conference["name"], "autojoin": conference["autojoin"]]
                ) { writer in
                    writer.element("nick", text: conference.child("nick")?.text)
                    writer.element("password", text: conference.child("password")?.text)
                }
            }
            if !others.isEmpty { writer.raw(ByteBuffer(string: others)) }
        }
        return String(buffer: writer.buffer)
    }

    /// In the order in which they were made or changed.
    private func bookmarks(_ store: NodeStore) throws -> [NodeItem] {
        guard let node = try store.node(Self.node) else { return [] }
        return try store.page(ResultSet(), of: node, bytes: .max).items.reversed()
    }

    private func writeOld(_ store: NodeStore) throws -> [Announcement] {
        let text = try collated(store)
        if let node = try store.node(Self.oldNode), try store.lastItem(of: node)?.payload == text { return [] }
        return try Publishing.publish(
            Publishing.Publication(id: "current", payload: (text, Self.oldNode)), to: Self.oldNode,
            configuration: configuration(store, maxItems: .number(1)), store)
    }

    /// Only the owner may see bookmarks (XEP-0223).
    private func configuration(_ store: NodeStore, maxItems: NodeConfiguration.Amount) -> NodeConfiguration {
        var configuration = store.host.defaults
        configuration.accessModel = .whitelist
        configuration.maxItems = maxItems
        configuration.sendLast = .never
        return configuration
    }

    // MARK: From the old form

    /// Makes the bookmarks those of an element of the old form. "Servers […] SHOULD NOT send notifications for unchanged
    /// items" (§6.2).
    func takeOver(_ storage: Element, _ store: NodeStore) throws -> [Announcement] {
        var announcements: [Announcement] = []
        let before = try bookmarks(store)
        var kept: Set<String> = []
        var others = ""
        for child in storage.children {
            guard child.isNamed("conference", in: .oldBookmarks), let text = child["jid"], let room = try? JID(text) else {
                others += child.serialized
                continue
            }
            let id = room.description
            guard kept.insert(id).inserted else { continue }
            let existing = before.first { $0.id == id }.flatMap { NodeStore.element($0.payload) }
            if let existing, Conference(existing) == Conference(child) { continue }
            announcements += try Publishing.publish(
                Publishing.Publication(id: id, payload: (Conference(child).text(extensions: existing), Self.node)),
                to: Self.node, configuration: configuration(store, maxItems: .max), store)
        }
        try keep(others, store)
        if let node = try store.node(Self.node) {
            let gone = before.map(\.id).filter { !kept.contains($0) }
            let standing = try store.standing(of: store.host.address, at: node)
            if !gone.isEmpty {
                announcements += try Retraction.retract(gone, from: node, standing, notifies: true, store)
            }
        }
        return announcements + (try writeOld(store))
    }

    private func keep(_ others: String, _ store: NodeStore) throws {
        guard others.utf8.count <= store.host.limits.payloadSize else {
            throw StanzaError.payloadTooBig(store.host.limits.payloadSize)
        }
        try store.transaction.execute(
            """
            INSERT INTO bookmark_remainders (account, content) VALUES ($1, $2)
            ON CONFLICT (account) DO UPDATE SET content = excluded.content
            """, [.text(store.host.address.description), .text(others)])
    }

    /// What both forms have.
    private struct Conference: Equatable {
        let name: String?
        let isJoined: Bool
        let nick: String?
        let password: String?

        init(_ element: Element) {
            name = element["name"]
            isJoined = NodeConfiguration.boolean(element["autojoin"]) ?? false
            nick = element.child("nick")?.text
            password = element.child("password")?.text
        }

        /// The payload of the new form.
        /// - Parameter extensions: the bookmark before, whose extensions stay.
        func text(extensions: Element?) -> String {
            var writer = XMLWriter()
            writer.element("conference", in: .bookmarks, ["name": name, "autojoin": isJoined ? "true" : "false"]) { writer in
                writer.element("nick", text: nick)
                writer.element("password", text: password)
                if let kept = extensions?.child("extensions") { writer.copy(kept, inside: .bookmarks) }
            }
            return String(buffer: writer.buffer)
        }
    }
}

extension Namespace {
    static let bookmarks: Namespace = "urn:xmpp:bookmarks:1"
    /// XEP-0048
    static let oldBookmarks: Namespace = "storage:bookmarks"
}
