internal import NIOCore
package import Server
package import Storage
package import XMPP

/// XEP-0049: a client keeps elements of its own on the server, each under its name and namespace.
package struct PrivateStorage: Feature {
    package static let xeps = [49]
    package static let settings = [AnySetting(sizeLimit), AnySetting(elementLimit)]
    package static let migrations = [
        Migration(
            name: "private-storage-1",
            sql: [
                """
                CREATE TABLE private_elements (
                    account TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL,
                    PRIMARY KEY (account, namespace, name))
                """
            ])
    ]

    static let sizeLimit = Setting(
        "private-storage.size", default: .kibibytes(128), in: .kibibytes(1)...(.mebibytes(16)),
        "How much a client may store under one name. The limit of stanzas, limits.stanza-size, applies as well.")

    static let elementLimit = Setting(
        "private-storage.elements", default: 100, in: 1...10_000, "How many names one account may store something under.")

    /// Under what an element is kept.
    private struct Key: Sendable, Hashable {
        let namespace: String
        let name: String

        init(_ element: Element) {
            namespace = element.namespace
            name = element.name
        }
    }

    private unowned let kernel: Kernel
    private let sizeLimit: ByteCount
    private let elementLimit: Int

    package init(kernel: Kernel) {
        self.kernel = kernel
        sizeLimit = kernel.configuration[Self.sizeLimit]
        elementLimit = kernel.configuration[Self.elementLimit]
    }

    package var registrations: [[Registration]] {
        [
            Registration.advertise(.privateStorage, on: .server),
            Registration.iq(.get, "query", in: .privateStorage, on: .account, .concurrent { request throws(StanzaError) in
                try await get(request)
            }),
            Registration.iq(.set, "query", in: .privateStorage, on: .account, .ordered { request throws(StanzaError) in
                try await set(request)
                return nil
            }),
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM private_elements WHERE account = $1", [.text(account.description)])
    }

    private func get(_ request: IQRequest) async throws(StanzaError) -> ByteBuffer? {
        let (account, elements) = try check(request)
        guard let wanted = elements.first, elements.count == 1 else {
            throw StanzaError(.notAcceptable, "one element is asked for at a time")
        }
        let key = Key(wanted)
        if let own = kernel.registry.privateElement(wanted), let account = request.account {
            let found = try await own.get(account)
            var writer = XMLWriter()
            writer.element("query", in: .privateStorage) { writer in
                if let found { writer.raw(found) } else { writer.copy(wanted, inside: .privateStorage) }
            }
            return writer.buffer
        }
        let content = try await kernel.read(of: account) { transaction in
            try transaction.first(
                "SELECT content FROM private_elements WHERE account = $1 AND namespace = $2 AND name = $3",
                [.text(account.description), .text(key.namespace), .text(key.name)]
            ) { try $0.text(0) }
        }
        var writer = XMLWriter()
        writer.element("query", in: .privateStorage) { writer in
            if let content {
                writer.raw(ByteBuffer(string: content))
            } else {
                writer.copy(wanted, inside: .privateStorage)
            }
        }
        return writer.buffer
    }

    private func set(_ request: IQRequest) async throws(StanzaError) {
        let (account, all) = try check(request)
        for element in all {
            if let own = kernel.registry.privateElement(element), let account = request.account {
                try await own.set(element, account)
            }
        }
        let elements = all.filter { kernel.registry.privateElement($0) == nil }
        guard !elements.isEmpty else { return }
        // §2.3: several elements may go under one name.
        var contents: [Key: String] = [:]
        for element in elements { contents[Key(element), default: ""] += element.serialized }
        guard contents.values.allSatisfy({ $0.utf8.count <= sizeLimit.bytes }) else {
            throw StanzaError(.policyViolation, "\(sizeLimit.bytes) bytes may be stored under one name")
        }
        try await kernel.write(of: account) { [contents, elementLimit] transaction in
            let before = try Self.count(of: account, transaction)
            for (key, content) in contents {
                try transaction.execute(
                    """
                    INSERT INTO private_elements (account, namespace, name, content) VALUES ($1, $2, $3, $4)
                    ON CONFLICT (account, namespace, name) DO UPDATE SET content = excluded.content
                    """, [.text(account.description), .text(key.namespace), .text(key.name), .text(content)])
            }
            // A limit that was lowered does not keep anybody from changing what is there.
            let count = try Self.count(of: account, transaction)
            guard count <= max(before, elementLimit) else {
                throw StanzaError(.resourceConstraint, "too many names are in use", kind: .cancel)
            }
        }
    }

    private static func count(of account: JID, _ transaction: Transaction) throws -> Int {
        try transaction.first(
            "SELECT count(*) FROM private_elements WHERE account = $1", [.text(account.description)]
        ) { try $0.integer(0) } ?? 0
    }

    /// Whether a request is the owner's own, and for elements with namespaces of their own (§2.3, §4).
    private func check(_ request: IQRequest) throws(StanzaError) -> (account: JID, elements: [Element]) {
        guard request.isOwn, let account = request.account?.jid else { throw StanzaError(.forbidden) }
        let elements = Array(request.payload.children)
        guard !elements.isEmpty, elements.allSatisfy({ !$0.isIn(.privateStorage) && !$0.namespace.isEmpty }) else {
            throw StanzaError(.notAcceptable, "an element with a namespace of its own is missing")
        }
        return (account, elements)
    }
}

extension Namespace {
    package static let privateStorage: Namespace = "jabber:iq:private"
}
