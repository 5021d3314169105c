internal import NIOCore
internal import Storage
internal import TLS
internal import XMPP

/// A hat of a room (XEP-0317 §3.1).
struct Hat: Sendable, Equatable {
    /// What tells it from others.
    let uri: String
    var title: String
    /// A colour: an angle in degrees, as it was written.
    var hue: String?

    private static let longest = 256

    /// - Throws: `bad-request` for what is missing or no hat.
    init(_ form: DataForm) throws(StanzaError) {
        guard let uri = form["hats#uri"]?.first, let title = form["hats#title"]?.first else {
            throw .badPayload("a hat has a title and a URI")
        }
        guard uri.utf8.count <= Self.longest, let colon = uri.firstIndex(of: ":"), colon != uri.startIndex,
            !uri.contains(where: \.isWhitespace)
        else { throw .badPayload("hats#uri is a URI of \(Self.longest) bytes at most") }
        guard title.utf8.count <= Self.longest, title.contains(where: { !$0.isWhitespace }) else {
            throw .badPayload("hats#title is a text of \(Self.longest) bytes at most")
        }
        let hue = form["hats#hue"]?.first.flatMap { $0.isEmpty ? nil : $0 }
        if let hue {
            guard hue.utf8.count <= 32, let angle = Double(hue), (0...360).contains(angle) else {
                throw .badPayload("hats#hue is an angle in degrees")
            }
        }
        self.init(uri: uri, title: title, hue: hue)
    }

    init(uri: String, title: String, hue: String?) {
        self.uri = uri
        self.title = title
        self.hue = hue
    }
}

/// The hats that there are in a room, and who wears them: an account, under every nickname and at every visit.
struct Hats: RoomRecord {
    /// In the order in which they were made.
    private(set) var all: [Hat] = []
    /// The URIs of what somebody wears, by bare JID.
    private(set) var wearers: [JID: Set<String>] = [:]

    private static let mostHats = 100
    private static let mostWorn = 20

    init() {}

    subscript(_ uri: String) -> Hat? { all.first { $0.uri == uri } }

    func hats(of person: JID) -> [Hat] {
        guard let worn = wearers[person] else { return [] }
        return all.filter { worn.contains($0.uri) }
    }

    func wearers(of uri: String) -> [JID] { wearers.filter { $0.value.contains(uri) }.map(\.key) }

    /// Of everything that there is to know of the hats of the room (§2); nil where there are none.
    var hash: String? {
        guard !all.isEmpty else { return nil }
        let text = all.sorted { $0.uri < $1.uri }.map { "\($0.uri)\n\($0.title)\n\($0.hue ?? "")\n" }.joined()
        return Hash.sha1.digest(Array(text.utf8)).hexadecimal
    }

    /// What is shown of who wears hats: the element; empty for who wears none.
    func element(of person: JID) -> ByteBuffer {
        let worn = hats(of: person)
        guard !worn.isEmpty else { return ByteBuffer() }
        var writer = XMLWriter()
        writer.element("hats", in: .hats) { writer in
            for hat in worn { writer.element("hat", ["title": hat.title, "uri": hat.uri, "hue": hat.hue]) }
        }
        return writer.buffer
    }

    // MARK: Changes

    /// Makes a hat, or makes it anew.
    mutating func make(_ hat: Hat) throws(StanzaError) {
        if let index = all.firstIndex(where: { $0.uri == hat.uri }) {
            all[index] = hat
        } else {
            guard all.count < Self.mostHats else { throw StanzaError(.resourceConstraint, "there are too many hats") }
            all.append(hat)
        }
    }

    mutating func destroy(_ uri: String) throws(StanzaError) {
        guard self[uri] != nil else { throw StanzaError(.itemNotFound, "there is no such hat") }
        all.removeAll { $0.uri == uri }
        for person in wearers(of: uri) { takeOff(uri, person) }
    }

    /// - Parameter limit: how many people may wear hats.
    mutating func assign(_ uri: String, to person: JID, limit: Int) throws(StanzaError) {
        guard self[uri] != nil else { throw StanzaError(.itemNotFound, "there is no such hat") }
        let worn = wearers[person] ?? []
        guard !worn.contains(uri) else { return }
        guard worn.count < Self.mostWorn, wearers.count < limit else {
            throw StanzaError(.resourceConstraint, "too many hats are worn")
        }
        wearers[person] = worn.union([uri])
    }

    mutating func unassign(_ uri: String, of person: JID) throws(StanzaError) {
        guard wearers[person]?.contains(uri) == true else {
            throw StanzaError(.itemNotFound, "this hat is not worn by that person")
        }
        takeOff(uri, person)
    }

    private mutating func takeOff(_ uri: String, _ person: JID) {
        let rest: Set<String> = wearers[person]?.filter { $0 != uri } ?? []
        wearers[person] = rest.isEmpty ? nil : rest
    }

    mutating func forget(_ person: JID) { wearers[person] = nil }

    // MARK: Storage

    static let migrations = [
        Migration(
            name: "room-hats-1",
            sql: [
                """
                CREATE TABLE room_hats (
                    room TEXT NOT NULL, uri TEXT NOT NULL, position BIGINT NOT NULL, title TEXT NOT NULL, hue TEXT,
                    PRIMARY KEY (room, uri))
                """,
                """
                CREATE TABLE room_hats_worn (
                    room TEXT NOT NULL, person TEXT NOT NULL, uri TEXT NOT NULL, PRIMARY KEY (room, person, uri))
                """,
                "CREATE INDEX room_hats_worn_person ON room_hats_worn (person)",
            ])
    ]

    static func load(_ room: JID, _ transaction: Transaction) throws -> Hats {
        var hats = Hats()
        let name = SQLValue.text(room.description)
        hats.all = try transaction.rows(
            "SELECT uri, title, hue FROM room_hats WHERE room = $1 ORDER BY position", [name]
        ) { Hat(uri: try $0.text(0), title: try $0.text(1), hue: try $0.textOrNil(2)) }
        try transaction.forEachRow("SELECT person, uri FROM room_hats_worn WHERE room = $1", [name]) {
            hats.wearers[try JID(try $0.text(0)), default: []].insert(try $0.text(1))
            return false
        }
        return hats
    }

    func save(_ room: JID, before: Hats, _ transaction: Transaction) throws {
        let name = SQLValue.text(room.description)
        if all != before.all {
            try transaction.execute("DELETE FROM room_hats WHERE room = $1", [name])
            for (position, hat) in all.enumerated() {
                try transaction.execute(
                    "INSERT INTO room_hats (room, uri, position, title, hue) VALUES ($1, $2, $3, $4, $5)",
                    [name, .text(hat.uri), .integer(position), .text(hat.title), hat.hue.map { .text($0) } ?? .null])
            }
        }
        for person in Set(wearers.keys).union(before.wearers.keys) where wearers[person] != before.wearers[person] {
            try transaction.execute(
                "DELETE FROM room_hats_worn WHERE room = $1 AND person = $2", [name, .text(person.description)])
            for uri in wearers[person] ?? [] {
                try transaction.execute(
                    "INSERT INTO room_hats_worn (room, person, uri) VALUES ($1, $2, $3)",
                    [name, .text(person.description), .text(uri)])
            }
        }
    }

    static func delete(_ room: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM room_hats WHERE room = $1", [.text(room.description)])
        try transaction.execute("DELETE FROM room_hats_worn WHERE room = $1", [.text(room.description)])
    }

    static func remove(_ person: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM room_hats_worn WHERE person = $1", [.text(person.description)])
    }
}

extension Namespace {
    /// XEP-0317
    static let hats: Namespace = "urn:xmpp:hats:0"
}
