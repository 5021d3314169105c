import Server
import Storage
import Testing
import XMPP

@testable import Features

/// People do at random what XEP-0060 lets them do with nodes of their accounts, and with their rosters. Whoever may not
/// see a node must never receive an item of it, and whoever may and wants to must receive each one once.
@Suite(.timeLimit(.minutes(2)))
struct NodeAccessModelTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func accessNeverLeaks(seed: UInt64) async throws {
        try await TestServer.run(
            loops: 1 + Int(seed % 3), accounts: 4, further: [EntityCapabilities.self, Blocking.self, PubSub.self]
        ) { server in
            var story = Story(server, seed: seed)
            try await story.begin()
            for _ in 0..<120 { try await story.step() }
            #expect(story.received > 50, "the story is about something")
        }
    }
}

/// What the story says of one node; by other users.
private struct NodeModel {
    var access = "presence"
    var affiliations: [Int: String] = [:]
    /// `subscribed` or `pending`.
    var subscriptions: [Int: String] = [:]
}

private struct Story {
    private static let users = 1...4
    private static let nodes = ["a", "b"]
    private static let group = "Friends"
    private static let features = ["http://jabber.org/protocol/disco#info"] + nodes.map { $0 + "+notify" }

    private let server: TestServer
    private var dice: Dice
    private var devices: [Int: [TestClient]] = [:]
    private var absent: Set<String> = []
    private var models: [Int: [String: NodeModel]] = [:]
    /// Whom somebody's presence goes to, and whom they have in the group.
    private var subscribers: [Int: Set<Int>] = [:]
    private var friends: [Int: Set<Int>] = [:]
    private var count = 0
    private(set) var received = 0

    init(_ server: TestServer, seed: UInt64) {
        self.server = server
        dice = Dice(state: seed)
        for user in Self.users {
            models[user] = [:]
            subscribers[user] = []
            friends[user] = []
        }
    }

    private func jid(_ user: Int) -> String { "user\(user)@\(TestServer.domain)" }

    private func user(_ address: String) -> Int? { Self.users.first { address.hasPrefix(jid($0)) } }

    // MARK: Presence

    private static let presence: String = {
        let hash = VerificationString(identities: [.init(category: "client", type: "pc")], features: features, forms: [])
        return "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='story' ver='\(hash)'/></presence>"
    }()

    mutating func begin() async throws {
        for user in Self.users {
            devices[user] = []
            for resource in user % 2 == 0 ? ["one"] : ["one", "two"] {
                let client = try await server.connect(user, resource)
                devices[user]?.append(client)
                client.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
                client.send(Self.presence)
            }
        }
        try await rest()
        // Whoever is asked what the hash stands for.
        for client in devices.values.flatMap({ $0 }) {
            for question in client.take() where question.kind == "iq" && question.type == "get" {
                let list = Self.features.map { "<feature var='\($0)'/>" }.joined()
                client.send(
                    "<iq type='result' id='\(question.id)' to='\(TestServer.domain)'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='pc'/>\(list)</query></iq>"
                )
            }
        }
        try await rest()
        server.forget()
    }

    /// Until everything has had its effects, those that go by the database included.
    private func rest() async throws {
        for _ in 0..<3 {
            try await server.settle()
            try await server.kernel.database.write { _ in }
            try await server.kernel.database.read { _ in }
        }
        try await server.settle()
    }

    // MARK: What is allowed

    private func admits(_ user: Int, to owner: Int, _ node: NodeModel) -> Bool {
        if user == owner { return true }
        switch node.affiliations[user] {
        case "member", "publisher": return true
        case "outcast", "publish-only": return false
        default: break
        }
        let isSubscriber = subscribers[owner]?.contains(user) == true
        switch node.access {
        case "open", "authorize": return true
        case "presence": return isSubscriber
        case "roster": return isSubscriber && friends[owner]?.contains(user) == true
        default: return false
        }
    }

    private func maySee(_ user: Int, _ owner: Int, _ name: String) -> Bool {
        guard let node = models[owner]?[name] else { return false }
        let isApproved = user == owner || node.access != "authorize" || node.subscriptions[user] == "subscribed"
            || ["member", "publisher"].contains(node.affiliations[user])
        return admits(user, to: owner, node) && isApproved
    }

    /// Subscriptions of those who have lost access have ended; requests of members are granted.
    private mutating func settleSubscriptions(_ owner: Int) {
        for (name, node) in models[owner] ?? [:] {
            for (user, state) in node.subscriptions {
                if !admits(user, to: owner, node) {
                    models[owner]?[name]?.subscriptions[user] = nil
                } else if state == "pending", ["member", "publisher"].contains(node.affiliations[user]) {
                    models[owner]?[name]?.subscriptions[user] = "subscribed"
                }
            }
        }
    }

    // MARK: Steps

    mutating func step() async throws {
        let before = self
        count += 1
        let owner = Int.random(in: Self.users, using: &dice)
        var other = Int.random(in: Self.users, using: &dice)
        if other == owner { other = other % 4 + 1 }
        let name = Self.nodes.randomElement(using: &dice)!
        var published: String?
        switch Int.random(in: 0..<20, using: &dice) {
        case 0..<7:
            guard let device = device(of: owner) else { return }
            published = "item\(count)"
            request(device, "set", "<publish node='\(name)'><item id='item\(count)'><x xmlns='urn:story'/></item></publish>")
            if models[owner]?[name] == nil { models[owner]?[name] = NodeModel() }
        case 7..<10:
            guard let device = device(of: owner), models[owner]?[name] != nil else { return }
            let access = ["open", "presence", "roster", "authorize", "whitelist"].randomElement(using: &dice)!
            configure(device, name, access)
            models[owner]?[name]?.access = access
        case 10..<12:
            guard let device = device(of: owner), models[owner]?[name] != nil else { return }
            let affiliation = ["none", "member", "publisher", "outcast", "publish-only"].randomElement(using: &dice)!
            request(
                device, "set",
                "<affiliations node='\(name)'><affiliation jid='\(jid(other))' affiliation='\(affiliation)'/></affiliations>",
                "#owner")
            models[owner]?[name]?.affiliations[other] = affiliation == "none" ? nil : affiliation
        case 12..<14: try await changeSubscription(owner, other)
        case 14: changeGroup(owner, other)
        case 15..<17: subscribe(other, to: owner, name)
        case 17:
            guard let device = device(of: other), models[owner]?[name]?.subscriptions[other] != nil else { return }
            request(device, "set", "<unsubscribe node='\(name)' jid='\(jid(other))'/>", to: jid(owner))
            models[owner]?[name]?.subscriptions[other] = nil
        case 18:
            guard let device = devices[other]?.randomElement(using: &dice) else { return }
            let isAbsent = absent.remove("\(device.jid)") != nil
            if !isAbsent { absent.insert("\(device.jid)") }
            device.send(isAbsent ? Self.presence : "<presence type='unavailable'/>")
        default:
            guard let device = device(of: other) else { return }
            request(device, "get", "<items node='\(name)'/>", to: jid(owner))
        }
        settleSubscriptions(owner)
        settleSubscriptions(other)
        try await rest()
        judge(before, published.map { (owner, name, $0) })
    }

    private mutating func device(of user: Int) -> TestClient? { devices[user]?.randomElement(using: &dice) }

    private func request(_ device: TestClient, _ type: String, _ content: String, _ part: String = "", to: String? = nil) {
        let address = to.map { " to='\($0)'" } ?? ""
        device.send(
            "<iq type='\(type)' id='r\(count)'\(address)><pubsub xmlns='http://jabber.org/protocol/pubsub\(part)'>\(content)</pubsub></iq>")
    }

    private func configure(_ device: TestClient, _ name: String, _ access: String) {
        request(
            device, "set",
            """
            <configure node='\(name)'><x xmlns='jabber:x:data' type='submit'>\
            <field var='pubsub#access_model'><value>\(access)</value></field>\
            <field var='pubsub#roster_groups_allowed'><value>\(Self.group)</value></field></x></configure>
            """, "#owner")
    }

    private mutating func changeSubscription(_ owner: Int, _ other: Int) async throws {
        guard let owning = device(of: owner), let asking = device(of: other) else { return }
        if subscribers[owner]?.contains(other) == true {
            owning.send("<presence to='\(jid(other))' type='unsubscribed'/>")
            subscribers[owner]?.remove(other)
        } else {
            asking.send("<presence to='\(jid(owner))' type='subscribe'/>")
            try await rest()
            owning.send("<presence to='\(jid(other))' type='subscribed'/>")
            subscribers[owner]?.insert(other)
        }
    }

    private mutating func changeGroup(_ owner: Int, _ other: Int) {
        guard let device = device(of: owner) else { return }
        let isFriend = friends[owner]?.remove(other) != nil
        if !isFriend { friends[owner]?.insert(other) }
        let group = isFriend ? "" : "<group>\(Self.group)</group>"
        device.send(
            "<iq type='set' id='g\(count)'><query xmlns='jabber:iq:roster'><item jid='\(jid(other))'>\(group)</item></query></iq>")
    }

    private mutating func subscribe(_ other: Int, to owner: Int, _ name: String) {
        guard let device = device(of: other), let node = models[owner]?[name] else { return }
        request(device, "set", "<subscribe node='\(name)' jid='\(jid(other))'/>", to: jid(owner))
        guard admits(other, to: owner, node), node.subscriptions[other] == nil else { return }
        let needsApproval = node.access == "authorize" && node.affiliations[other] == nil
        models[owner]?[name]?.subscriptions[other] = needsApproval ? "pending" : "subscribed"
    }

    // MARK: Judgement

    /// - Parameter published: what everybody who may and wants to was to receive.
    private mutating func judge(_ before: Story, _ published: (owner: Int, node: String, item: String)?) {
        for (user, clients) in devices {
            for client in clients {
                var times = 0
                for stanza in client.take() {
                    guard let (owner, node, items) = items(of: stanza), !items.isEmpty else { continue }
                    received += 1
                    #expect(
                        maySee(user, owner, node) || before.maySee(user, owner, node),
                        "step \(count): \(client.jid) has received \(stanza.element.serialized)")
                    if let published, published.owner == owner, published.node == node, items.contains(published.item) { times += 1 }
                }
                guard let published else { continue }
                let isDue = isDue(user, client, published.owner, published.node)
                #expect(times == (isDue ? 1 : 0), "step \(count): \(client.jid) and \(published)")
            }
        }
    }

    private func isDue(_ user: Int, _ client: TestClient, _ owner: Int, _ node: String) -> Bool {
        guard !absent.contains("\(client.jid)"), maySee(user, owner, node) else { return false }
        return user == owner || subscribers[owner]?.contains(user) == true
            || models[owner]?[node]?.subscriptions[user] == "subscribed"
    }

    /// The items in a notification or in an answer.
    private func items(of stanza: Received) -> (owner: Int, node: String, items: [String])? {
        let holder = stanza.element.child("event", in: .pubSubEvent) ?? stanza.element.child("pubsub", in: .pubSub)
        guard let list = holder?.child("items"), let node = list["node"], stanza.type != "error" else { return nil }
        guard let owner = user(stanza.from.isEmpty ? stanza.to : stanza.from) else { return nil }
        return (owner, node, list.children.filter { $0.isNamed("item") }.compactMap { $0["id"] })
    }
}
