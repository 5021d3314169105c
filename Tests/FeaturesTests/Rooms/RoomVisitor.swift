import XMPP

/// Somebody who visits rooms, and remembers what they are told.
final class RoomVisitor {
    let client: ManagedClient
    private let user: Int
    private(set) var belief = RoomBelief()
    private var count = 0
    /// What was said in rooms, by the stanzas.
    private var said: [String: (room: String, id: String, body: String)] = [:]
    /// The ids of what was refused.
    private var refused: Set<String> = []
    private var orders = RoomOrdersGiven()

    init(_ server: any ClientEntrance, _ user: Int, _ resource: String) async throws {
        self.user = user
        client = try await ManagedClient(server, user, resource)
        client.hears = { [unowned self] in hear($0) }
        client.send("<presence/>")
    }

    private func hear(_ element: Element) {
        belief.hear(element)
        guard let id = element["id"] else { return }
        let isRefused = element["type"] == "error"
        if element.isNamed("message"), isRefused { refused.insert(id) }
        // A changed subject is told to all; an order is answered.
        if element.isNamed("iq") || element.isNamed("message") { orders.answered(id, isDone: !isRefused) }
    }

    private func send(_ stanza: String) { if !client.isAway { client.send(stanza) } }

    func ping() async { if !client.isAway { await client.ping() } }
    func lose() async { if !client.isAway { await client.lose() } }

    func reconnect(isHalfOpen: Bool) async throws {
        try await client.reconnect(isHalfOpen: isHalfOpen && !client.isAway)
    }

    // MARK: A server that is killed

    /// What was said in a room and acknowledged, and not refused: it is on disk.
    func confirmed(in room: String) -> [String] {
        client.confirmed.compactMap { said[$0] }.filter { $0.room == room && !refused.contains($0.id) }.map(\.body)
    }

    /// The server was killed: it has nothing but what is on disk.
    /// - Returns: what was heard during visits to a room.
    func forget(in room: String, but known: Set<String>) -> [[String]] { belief.forget(in: room, but: known) }

    /// - Returns: what contradicts the orders that were given, of which the last may have been carried out or not.
    func contradictions(_ truth: RoomTruth) -> [String] { orders.contradictions(truth) }

    func beginAfterFailure() async throws {
        try await client.beginAfterFailure { belief.forgetAll() }
        client.send("<presence/>")
    }

    // MARK: What people do

    func beginAnew() async throws {
        try await client.beginAnew { belief.forgetAll() }
        client.send("<presence/>")
    }

    /// Enters a room once more, and waits until all is told.
    func comeBack(to room: String) async throws {
        send("<presence to='\(room)/witness'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        for _ in 0..<1_000 where belief.visit(room) == nil {
            await client.ping()
            client.read(answers: true)
        }
        // The room has told its history in one go with that, by another loop maybe.
        await client.ping()
        client.read(answers: true)
    }

    /// Makes a room, and stays in it.
    func found(_ room: String, isPersistent: Bool) async throws {
        send("<presence to='\(room)/witness'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        ask(room, "owner", """
            <x xmlns='jabber:x:data' type='submit'><field var='muc#roomconfig_persistentroom'>\
            <value>\(isPersistent ? 1 : 0)</value></field></x>
            """)
        await client.ping()
    }

    func enter(_ room: String, using random: inout Dice) {
        let nickname = "user\(user)" + ["", "!", "?"][Int.random(in: 0..<3, using: &random)]
        let isEntry = belief.visit(room) == nil || Int.random(in: 0..<4, using: &random) == 0
        send("<presence to='\(room)/\(nickname)'>\(isEntry ? "<x xmlns='http://jabber.org/protocol/muc'/>" : "")</presence>")
    }

    func leave(_ room: String, using random: inout Dice) {
        let isAll = Int.random(in: 0..<4, using: &random) == 0
        send("<presence type='unavailable'\(isAll ? "" : " to='\(room)/\(belief.visit(room)?.nickname ?? "x")'")/>")
        if isAll { send("<presence/>") }
    }

    func say(_ text: String, in room: String) {
        count += 1
        let (id, body) = ("said-\(count)", "\(client.jid) \(text) \(count)")
        let message = "<message type='groupchat' id='\(id)' to='\(room)'><body>\(body)</body></message>"
        said[message] = (room, id, body)
        send(message)
    }

    func setSubject(_ text: String, of room: String) {
        count += 1
        send("<message type='groupchat' id='subject-\(count)' to='\(room)'><subject>\(text)</subject></message>")
        orders.gave("subject-\(count)", .subject(text))
    }

    func ask(
        _ room: String, _ space: String, _ content: String, if isMeant: Bool = true, _ change: RoomOrdersGiven.Change? = nil
    ) {
        guard isMeant else { return }
        count += 1
        if let change { orders.gave("ask-\(count)", change) }
        send("""
            <iq type='set' id='ask-\(count)' to='\(room)'>\
            <query xmlns='http://jabber.org/protocol/muc#\(space)'>\(content)</query></iq>
            """)
    }

    /// Somebody is kicked, banned, or becomes something else.
    func judge(_ room: String, using random: inout Dice) {
        let person = Int.random(in: 1...3, using: &random)
        if Bool.random(using: &random), let nickname = belief.visit(room)?.occupants.keys.filter({ $0 != "witness" }).sorted().randomElement(using: &random) {
            let role = ["none", "visitor", "participant", "moderator"].randomElement(using: &random) ?? "none"
            ask(room, "admin", "<item nick='\(nickname)' role='\(role)'/>")
        } else {
            let affiliation = ["outcast", "none", "none", "member", "admin"].randomElement(using: &random) ?? "none"
            ask(
                room, "admin", "<item jid='user\(person)@localhost' affiliation='\(affiliation)'/>",
                room == Self.kept ? .affiliation("user\(person)@localhost", affiliation) : nil)
        }
    }

    /// Lets only members in, or everybody.
    func close(_ room: String, _ isClosed: Bool) {
        ask(room, "owner", """
            <x xmlns='jabber:x:data' type='submit'><field var='muc#roomconfig_membersonly'>\
            <value>\(isClosed ? 1 : 0)</value></field></x>
            """, room == Self.kept ? .membersOnly(isClosed) : nil)
    }

    /// The room that is persistent.
    static let kept = "hall@rooms.localhost"
}
