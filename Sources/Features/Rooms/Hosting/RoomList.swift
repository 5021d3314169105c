internal import NIOCore
internal import Server
internal import XMPP

/// The public rooms of a service in answers of service discovery, in pages (XEP-0045 §6.3, XEP-0059).
struct RoomList: Sendable {
    unowned let kernel: Kernel
    let directory: RoomDirectory

    /// How many rooms are listed at once.
    private static let limit = 500

    private struct Page: Sendable {
        var rooms: [(address: String, name: String)]
        let index: Int
        let count: Int
    }

    func answer(_ request: IQRequest) async throws(StanzaError) -> ByteBuffer? {
        guard request.payload["node"] == nil else { throw StanzaError(.itemNotFound) }
        var wanted = ResultSet()
        let set = request.payload.child("set", in: .resultSets)
        if let set { wanted = try ResultSet(set) }
        let page = try await page(of: request.to.domainJID, wanted)
        var writer = XMLWriter()
        writer.element("query", in: .discoveryItems) { writer in
            for room in page.rooms {
                writer.element("item", ["jid": room.address, "name": room.name.isEmpty ? nil : room.name])
            }
            if set != nil || page.rooms.count < page.count {
                ResultSet.write(
                    first: page.rooms.first?.address, last: page.rooms.last?.address,
                    index: page.rooms.isEmpty ? nil : page.index, count: page.count, into: &writer)
            }
        }
        return writer.buffer
    }

    private func page(of service: JID, _ wanted: ResultSet) async throws(StanzaError) -> Page {
        let temporary = directory.rooms(of: service)
        let limit = min(wanted.max ?? Self.limit, Self.limit)
        return try await kernel.read(of: service) { transaction in
            func rooms(after: String?, before: String?, limit: Int) throws -> [(address: String, name: String)] {
                let stored = try RoomStore.list(service, after: after, before: before, limit: limit, transaction)
                let others = temporary.filter { room in
                    (after.map { isLess($0, room.address) } ?? true) && (before.map { isLess(room.address, $0) } ?? true)
                }
                return (stored + others).sorted { isLess($0.address, $1.address) }
            }
            func count(before: String?) throws -> Int {
                try RoomStore.count(service, before: before, transaction)
                    + temporary.count { room in before.map { isLess(room.address, $0) } ?? true }
            }
            let all = try count(before: nil)
            let found: [(address: String, name: String)]
            switch wanted.start {
            case .first: found = Array(try rooms(after: nil, before: nil, limit: limit).prefix(limit))
            case .after(let address): found = Array(try rooms(after: address, before: nil, limit: limit).prefix(limit))
            case .before(let address): found = try rooms(after: nil, before: address, limit: limit).suffix(limit)
            case .last: found = try rooms(after: nil, before: "\u{10FFFF}", limit: limit).suffix(limit)
            case .index(let index):
                guard index <= all else { throw StanzaError(.itemNotFound) }
                found = Array(try rooms(after: nil, before: nil, limit: index + limit).dropFirst(index).prefix(limit))
            }
            return Page(rooms: found, index: try found.first.map { try count(before: $0.address) } ?? 0, count: all)
        }
    }
}

/// As storage compares texts: byte by byte.
private func isLess(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
