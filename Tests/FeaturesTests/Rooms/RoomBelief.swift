import XMPP

/// What a client believes of the rooms it is in, by nothing but the stanzas that it has received.
struct RoomBelief {
    struct Visit: Equatable {
        /// One's own nickname; nil while one has not been told that one is in.
        var nickname: String?
        /// The others and oneself, as `affiliation role`.
        var occupants: [String: String] = [:]
        /// What was said, in order; history is not among it.
        var heard: [String] = []
        /// What had been said before.
        var history: [String] = []
    }

    private(set) var visits: [String: Visit] = [:]
    /// What was heard during visits that have ended, by room.
    private(set) var former: [String: [[String]]] = [:]
    /// The codes with which the client was told to be out of a room.
    private(set) var codes: Set<Int> = []

    func visit(_ room: String) -> Visit? { visits[room].flatMap { $0.nickname == nil ? nil : $0 } }

    /// Takes from what was heard last what nobody knows any more.
    /// - Returns: what was heard during visits to a room, each of which may have ended with that.
    mutating func forget(in room: String, but known: Set<String>) -> [[String]] {
        let heard = (former[room] ?? []) + [visits[room]?.heard ?? []]
        while let last = visits[room]?.heard.last, !known.contains(last) { visits[room]?.heard.removeLast() }
        // Who was not in the room any more when the server ended has heard it as well.
        for index in (former[room] ?? []).indices {
            while let last = former[room]?[index].last, !known.contains(last) { former[room]?[index].removeLast() }
        }
        return heard
    }

    mutating func forgetAll() {
        for room in visits.keys { end(room) }
    }

    mutating func hear(_ element: Element) {
        guard let from = element["from"].flatMap({ try? JID($0) }), from.domain.hasPrefix("rooms.") else { return }
        let room = from.bare.description
        if element.isNamed("message") {
            guard element["type"] == "groupchat", let body = element.child("body")?.text else { return }
            if element.child("delay", in: "urn:xmpp:delay") == nil {
                visits[room]?.heard.append(body)
            } else {
                visits[room]?.history.append(body)
            }
        } else if element.isNamed("presence"), let nickname = from.resource {
            present(element, nickname, in: room)
        }
    }

    private mutating func present(_ element: Element, _ nickname: String, in room: String) {
        guard element["type"] != "error", let user = element.child("x", in: "http://jabber.org/protocol/muc#user"),
            let item = user.child("item")
        else { return }
        let codes = Set(user.children.filter { $0.isNamed("status") }.compactMap { $0["code"].flatMap { Int($0) } })
        if element["type"] == "unavailable" {
            visits[room]?.occupants[nickname] = nil
            guard codes.contains(110) else { return }
            if codes.contains(303) {
                visits[room]?.nickname = item["nick"]
            } else {
                self.codes.formUnion(codes)
                end(room)
            }
            return
        }
        visits[room, default: Visit()].occupants[nickname] = "\(item["affiliation"] ?? "") \(item["role"] ?? "")"
        if codes.contains(110) { visits[room]?.nickname = nickname }
    }

    private mutating func end(_ room: String) {
        guard let visit = visits.removeValue(forKey: room) else { return }
        former[room, default: []].append(visit.heard)
    }
}
