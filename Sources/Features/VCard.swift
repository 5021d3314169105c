internal import NIOCore
package import Server
package import Storage
package import XMPP

/// XEP-0054: one vCard for each account, kept as it was sent; readable by everybody.
package struct VCard: Feature {
    package static let xeps = [54]
    package static let settings = [AnySetting(sizeLimit)]
    package static let migrations = [
        Migration(
            name: "vcard-1", sql: ["CREATE TABLE vcards (account TEXT NOT NULL PRIMARY KEY, content TEXT NOT NULL)"])
    ]

    static let sizeLimit = Setting(
        "vcard.size", default: .kibibytes(128), in: .kibibytes(1)...(.mebibytes(16)),
        "How large a vCard may be, its photo included. The limit of stanzas, limits.stanza-size, applies as well.")

    private unowned let kernel: Kernel
    private let limit: ByteCount

    package init(kernel: Kernel) {
        self.kernel = kernel
        limit = kernel.configuration[Self.sizeLimit]
    }

    package var registrations: [[Registration]] {
        [
            // §4: asked of the server, too.
            Registration.advertise(.vCard, on: .server),
            Registration.iq(.get, "vCard", in: .vCard, on: .account, .concurrent { request throws(StanzaError) in
                try await get(request)
            }),
            Registration.iq(.set, "vCard", in: .vCard, on: .account, .ordered { request throws(StanzaError) in
                try await set(request)
                return nil
            }),
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM vcards WHERE account = $1", [.text(account.description)])
    }

    private func get(_ request: IQRequest) async throws(StanzaError) -> ByteBuffer? {
        // §3.3: "The server MUST return the same error condition in both cases", without account and without vCard.
        let absence = request.isOwn ? StanzaError(.itemNotFound) : StanzaError(.serviceUnavailable)
        guard let account = request.account?.jid else { throw absence }
        let content = try await kernel.read(of: account) { transaction in
            try transaction.first("SELECT content FROM vcards WHERE account = $1", [.text(account.description)]) {
                try $0.text(0)
            }
        }
        guard let content else { throw absence }
        return ByteBuffer(string: content)
    }

    private func set(_ request: IQRequest) async throws(StanzaError) {
        guard request.isOwn, let account = request.account?.jid else { throw StanzaError(.forbidden) }
        let content = request.payload.serialized
        guard content.utf8.count <= limit.bytes else {
            throw StanzaError(.policyViolation, "a vCard may have \(limit.bytes) bytes")
        }
        try await kernel.write(of: account) { transaction in
            try transaction.execute(
                """
                INSERT INTO vcards (account, content) VALUES ($1, $2)
                ON CONFLICT (account) DO UPDATE SET content = excluded.content
                """, [.text(account.description), .text(content)])
        }
        guard let account = request.account else { return }
        for body in kernel.registry.vCardChanged { await body(account, request.payload) }
    }
}

extension Namespace {
    package static let vCard: Namespace = "vcard-temp"
}
