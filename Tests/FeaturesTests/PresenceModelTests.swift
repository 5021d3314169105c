import NIOCore
import Server
import Testing
import XMPP

@testable import Features

/// People with several devices do at random what RFC 6121 lets them do with rosters, subscriptions and presence; what
/// must always hold is checked whenever everything has come to rest.
@Suite(.timeLimit(.minutes(2)))
struct PresenceModelTests {
    /// One thing after the other: everything that is received can be judged.
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func oneAfterTheOther(seed: UInt64) async throws {
        let users = 2 + Int(seed % 4)
        try await TestServer.run(loops: 1 + Int(seed % 3), accounts: users) { server in
            var model = Model(server, users: users, seed: seed)
            for _ in 0..<150 { try await model.step(operations: 1, judgesStrangers: true) }
            try await model.finish()
        }
    }

    /// Many things at the same time, on several event loops.
    @Test(arguments: 11...16 as ClosedRange<UInt64>)
    func allAtOnce(seed: UInt64) async throws {
        let users = 2 + Int(seed % 4)
        try await TestServer.run(loops: 4, accounts: users) { server in
            var model = Model(server, users: users, seed: seed)
            for _ in 0..<60 { try await model.step(operations: 15, judgesStrangers: false) }
            try await model.finish()
        }
    }
}

/// A device, and what it believes by what it has received.
private final class Device {
    let client: TestClient
    let user: Int
    var isAvailable = false
    /// The last status of each resource that is thought to be available.
    var presence: [String: String] = [:]
    /// The roster by what was pushed, nil before it was asked for.
    var roster: [String: String]?
    /// The contacts whose presence it is subscribed to, by what was pushed.
    private var subscriptions: Set<String> = []
    /// Whether it has said in this step that it is not available.
    var hasGone = false
    /// What was received in the last step.
    var heard: [String] = []

    init(_ client: TestClient, user: Int) {
        self.client = client
        self.user = user
    }

    func believe(_ received: Received) {
        if let query = received.query, received.type != "error" {
            if received.type == "result" {
                roster = [:]
                subscriptions = []
            }
            for item in query.children {
                let jid = item["jid"] ?? ""
                let state = item["subscription"] ?? "none"
                let wasSubscribed = subscriptions.contains(jid)
                roster?[jid] = state == "remove" ? nil : received.items.first { $0.hasPrefix(jid + " ") }
                // §3.3.3: "it MUST consider […] its presence information about the contact, to be null and void"
                if state == "to" || state == "both" {
                    subscriptions.insert(jid)
                } else {
                    subscriptions.remove(jid)
                    if wasSubscribed { forget(jid) }
                }
            }
        } else if received.kind == "presence" {
            switch received.type {
            case "":
                if received.from == client.jid.description, !isAvailable {
                    // What was still on its way when it became unavailable is of no use now.
                    isAvailable = true
                    presence = [:]
                }
                presence[received.from] = received.element.child("status")?.text ?? ""
            case "unavailable":
                presence[received.from] = nil
                if !received.from.contains("/") { forget(received.from) }
                if received.from == client.jid.description {
                    isAvailable = false
                    presence = [:]
                }
            default: break
            }
        }
    }

    func known(of bare: JID) -> [String: String] { presence.filter { $0.key.hasPrefix("\(bare)/") } }

    private func forget(_ bare: String) { presence = presence.filter { !$0.key.hasPrefix(bare + "/") } }
}

private struct Model {
    private let server: TestServer
    private let users: [JID]
    private var dice: Dice
    private var devices: [Device] = []
    private var story: [String] = []
    private var count = 0
    /// Who was sent directed presence: `FROM > TO`.
    private var directed: Set<String> = []

    init(_ server: TestServer, users: Int, seed: UInt64) {
        self.server = server
        self.users = stride(from: 1, through: users, by: 1).compactMap { try? JID("user\($0)@localhost") }
        dice = Dice(state: seed)
    }

    // MARK: What happens

    mutating func step(operations: Int, judgesStrangers: Bool) async throws {
        story = []
        let before = subscriptions()
        for _ in 0..<operations { try await act(canDirect: judgesStrangers) }
        try await server.settle()
        let after = subscriptions()
        for device in devices {
            let received = device.client.take()
            device.hasGone = false
            device.heard = received.map(\.description)
            for received in received {
                if judgesStrangers { judge(received, device, before, after) }
                device.believe(received)
            }
        }
        checkRosters()
        checkBeliefs()
    }

    private mutating func act(canDirect: Bool) async throws {
        guard let device = devices.randomElement(using: &dice), Int.random(in: 0..<12, using: &dice) > 0 else {
            return try await arrive()
        }
        let contact = users.filter { $0 != device.client.bare }.randomElement(using: &dice) ?? device.client.bare
        count += 1
        switch Int.random(in: 0..<20, using: &dice) {
        case 0..<2: say("<presence type='subscribed' to='\(contact)'/>", device)
        case 2..<6: say("<presence type='subscribe' to='\(contact)'/>", device)
        case 6: say("<presence type='unsubscribe' to='\(contact)'/>", device)
        case 7: say("<presence type='unsubscribed' to='\(contact)'/>", device)
        case 8..<11:
            // An answer to whoever asks.
            let asking = server.roster(of: device.client.bare)?.entries.values.filter(\.subscription.pendingIn) ?? []
            let contact = asking.map(\.jid).sorted { $0.description < $1.description }.first ?? contact
            say("<presence type='subscribed' to='\(contact)'/>", device)
        case 11..<14:
            // Who comes back at once cannot tell what was on its way before from what is new.
            if !device.hasGone { say("<presence><status>s\(count)</status></presence>", device) }
        case 14:
            device.hasGone = true
            say("<presence type='unavailable'/>", device)
        case 15: say("<iq type='get' id='g\(count)'><query xmlns='jabber:iq:roster'/></iq>", device)
        case 16:
            say(
                "<iq type='set' id='s\(count)'><query xmlns='jabber:iq:roster'><item jid='\(contact)' name='n\(count)'/></query></iq>",
                device)
        case 17:
            say(
                "<iq type='set' id='s\(count)'><query xmlns='jabber:iq:roster'><item jid='\(contact)' subscription='remove'/></query></iq>",
                device)
        case 18:
            // To a subscriber it would be another truth than what was broadcast.
            guard canDirect, device.isAvailable,
                server.roster(of: device.client.bare)?[contact]?.subscription.from != true
            else { return }
            directed.insert("\(device.client.jid) > \(contact)")
            say("<presence to='\(contact)'><status>d\(count)</status></presence>", device)
        default:
            try await leave(device)
        }
    }

    private mutating func say(_ text: String, _ device: Device) {
        story.append("\(device.client.jid): \(text)")
        device.client.send(text)
    }

    private mutating func arrive() async throws {
        let user = Int.random(in: 1...users.count, using: &dice)
        guard devices.count(where: { $0.user == user }) < 3 else { return }
        count += 1
        let device = Device(try await server.connect(user, "r\(count)"), user: user)
        devices.append(device)
        if Bool.random(using: &dice) { say("<iq type='get' id='g\(count)'><query xmlns='jabber:iq:roster'/></iq>", device) }
        if Bool.random(using: &dice) { say("<presence><status>s\(count)</status></presence>", device) }
    }

    private mutating func leave(_ device: Device) async throws {
        story.append("\(device.client.jid) leaves")
        devices.removeAll { $0 === device }
        if Bool.random(using: &dice) { await device.client.disconnect() } else { await device.client.vanish() }
        // Until the server has noticed.
        while server.kernel.accounts[device.client.bare]?.sessions.contains(where: { $0.handle.jid == device.client.jid }) == true {
            await Task.yield()
        }
    }

    /// Everybody leaves; what was in memory is on disk, and is the same when it is read again.
    mutating func finish() async throws {
        while let device = devices.last { try await leave(device) }
        try await server.settle()
        for user in users {
            let memory = try #require(server.roster(of: user))
            let disk = try await server.rosterOnDisk(of: user)
            #expect(disk.entries == memory.entries)
            #expect(disk.removals == memory.removals)
            #expect(disk.version == memory.version)
            #expect(disk.forgotten == memory.forgotten)
            server.kernel.accounts.forget(user)
            await server.load(user)
            #expect(server.roster(of: user)?.entries == memory.entries)
        }
    }

    // MARK: What must hold

    /// Whose presence each user is to receive.
    private func subscriptions() -> [JID: Set<JID>] {
        Dictionary(uniqueKeysWithValues: users.map { ($0, Set(server.roster(of: $0)?.subscriptions ?? [])) })
    }

    /// Nobody receives the presence of somebody they are not subscribed to, unless it was sent to them.
    private func judge(_ received: Received, _ device: Device, _ before: [JID: Set<JID>], _ after: [JID: Set<JID>]) {
        guard received.kind == "presence", received.type == "" || received.type == "unavailable",
            let from = try? JID(received.from), from.bare != device.client.bare
        else { return }
        let user = device.client.bare
        let isSubscribed = before[user]?.contains(from.bare) == true || after[user]?.contains(from.bare) == true
        #expect(
            isSubscribed || directed.contains("\(from) > \(user)"), "\(device.client.jid) received \(received) after \(story)")
    }

    /// Both sides of each subscription agree, and memory with itself.
    private func checkRosters() {
        for user in users {
            guard let roster = server.roster(of: user) else { continue }
            for contact in users where contact != user {
                guard let other = server.roster(of: contact) else { continue }
                let mine = roster[contact]?.subscription ?? Subscription()
                let theirs = other[user]?.subscription ?? Subscription()
                #expect(mine.to == theirs.from, "\(user) and \(contact) after \(story)")
                #expect(mine.pendingOut == theirs.pendingIn, "\(user) and \(contact) after \(story)")
                #expect((roster[contact]?.request != nil) == mine.pendingIn, "\(user) and \(contact) after \(story)")
            }
        }
    }

    /// What each device believes is so.
    private func checkBeliefs() {
        for device in devices {
            let user = device.client.bare
            guard let roster = server.roster(of: user) else { continue }
            if let believed = device.roster {
                var truth: [String: String] = [:]
                for item in roster.items {
                    let push = RosterPush.push(roster.change(of: item.jid), to: user).serialized
                    let words = (try? StanzaParser().parse(push)).map { Received(element: $0).items } ?? []
                    truth[item.jid.description] = words.first
                }
                #expect(believed == truth, "\(device.client.jid) after \(story)")
            }
            guard device.isAvailable else { continue }
            for contact in roster.subscriptions + [user] {
                #expect(
                    device.known(of: contact) == truth(of: contact),
                    "\(device.client.jid) of \(contact) after \(story), having heard \(device.heard)")
            }
        }
    }

    /// The status of each available resource.
    private func truth(of user: JID) -> [String: String] {
        var truth: [String: String] = [:]
        for session in server.kernel.accounts[user]?.sessions ?? [] {
            guard session.isAvailable else { continue }
            let presence = Stanza(presenceOf: session, to: user).serialized
            truth[session.handle.jid.description] = (try? StanzaParser().parse(presence))?.child("status")?.text ?? ""
        }
        return truth
    }
}
