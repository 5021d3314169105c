import Testing
import XMPP

/// RFC 6121 §8.5, every kind of stanza to every form of address.
@Suite(.timeLimit(.minutes(1)))
struct DeliveryTests {
    /// Who is there to take what user1 sends to user2.
    enum Scene: String, CaseIterable {
        case noAccount, nobody, connected, negative, one, several

        /// Resources and priorities.
        var resources: [(name: String, priority: Int?)] {
            switch self {
            case .noAccount, .nobody: []
            case .connected: [("match", nil)]
            case .negative: [("match", -1)]
            case .one: [("match", 0)]
            case .several: [("match", 5), ("same", 5), ("low", 1), ("negative", -5), ("connected", nil)]
            }
        }
    }

    enum Address: String, CaseIterable { case bare, match, noMatch }

    enum Fate: Equatable, CustomStringConvertible {
        case error, silence, delivered([String])
        var description: String {
            switch self {
            case .error: "service-unavailable"
            case .silence: "silence"
            case .delivered(let resources): "delivered to \(resources)"
            }
        }
    }

    private static func run(_ scene: Scene, _ address: Address, _ stanza: (String) -> String) async throws -> Fate? {
        var fate: Fate?
        try await TestServer.run { server in
            let sender = try await server.connect(1, "desk")
            var receivers: [(name: String, client: TestClient)] = []
            for (name, priority) in scene.resources {
                let client = try await server.connect(2, name)
                if let priority { client.send("<presence><priority>\(priority)</priority></presence>") }
                receivers.append((name, client))
            }
            try await server.settle()
            server.forget()
            let account = scene == .noAccount ? "nobody@localhost" : "user2@localhost"
            let to =
                switch address {
                case .bare: account
                case .match: account + "/match"
                case .noMatch: account + "/gone"
                }
            sender.send(stanza(to))
            try await server.settle()
            let answers = sender.take()
            var taken: [String] = []
            for (name, client) in receivers {
                for received in client.take() {
                    #expect(received.to == to, "§8.5.2.1.1: the server MUST NOT rewrite the 'to' attribute")
                    #expect(received.from == "user1@localhost/desk")
                    taken.append(name)
                }
            }
            if !taken.isEmpty {
                #expect(answers.isEmpty)
                fate = .delivered(taken)
            } else if answers.isEmpty {
                fate = .silence
            } else {
                #expect(answers.map(\.condition) == ["service-unavailable"])
                #expect(answers.map(\.from) == [to])
                fate = .error
            }
        }
        return fate
    }

    /// §8.5.4; where it leaves a choice, ours. What is kept while somebody is absent (O) is refused here, where nothing
    /// keeps it.
    @Test(arguments: Scene.allCases, Address.allCases)
    func messages(_ scene: Scene, _ address: Address) async throws {
        for type in ["normal", "chat", "groupchat", "headline", "error"] {
            let expected: Fate =
                switch (scene, address, type) {
                case (.connected, .match, _), (.negative, .match, _), (.one, .match, _), (.several, .match, _):
                    .delivered(["match"])
                case (_, _, "headline") where address == .bare:
                    switch scene {
                    case .one: .delivered(["match"])
                    case .several: .delivered(["match", "same", "low"])
                    case .noAccount, .nobody, .connected, .negative: .silence
                    }
                case (_, _, "headline"), (_, _, "error"): .silence
                case (_, _, "groupchat"): .error
                case (.one, .bare, _), (.one, .noMatch, "chat"): .delivered(["match"])
                case (.several, .bare, _), (.several, .noMatch, "chat"): .delivered(["match", "same"])
                default: .error
                }
            let fate = try await Self.run(scene, address) { to in
                let error = type == "error" ? "<error type='cancel'/>" : ""
                return "<message to='\(to)' type='\(type)' id='m'><body>Hello</body>\(error)</message>"
            }
            #expect(fate == expected, "\(type) to \(address), \(scene)")
        }
    }

    @Test(arguments: Scene.allCases, Address.allCases)
    func requests(_ scene: Scene, _ address: Address) async throws {
        for type in ["get", "set"] {
            let isMatch = address == .match && !scene.resources.isEmpty
            let fate = try await Self.run(scene, address) { to in
                "<iq to='\(to)' type='\(type)' id='q'><question xmlns='urn:example'/></iq>"
            }
            #expect(fate == (isMatch ? .delivered(["match"]) : .error), "\(type) to \(address), \(scene)")
        }
    }

    @Test(arguments: Scene.allCases, Address.allCases)
    func answers(_ scene: Scene, _ address: Address) async throws {
        for type in ["result", "error"] {
            let isMatch = address == .match && !scene.resources.isEmpty
            let fate = try await Self.run(scene, address) { to in "<iq to='\(to)' type='\(type)' id='q'/>" }
            #expect(fate == (isMatch ? .delivered(["match"]) : .silence), "\(type) to \(address), \(scene)")
        }
    }

    @Test(arguments: Scene.allCases, Address.allCases)
    func presence(_ scene: Scene, _ address: Address) async throws {
        for type in ["", " type='unavailable'"] {
            let expected: Fate =
                switch address {
                case .match where !scene.resources.isEmpty: .delivered(["match"])
                case .bare where scene == .negative || scene == .one: .delivered(["match"])
                case .bare where scene == .several: .delivered(["match", "same", "low", "negative"])
                case .bare, .match, .noMatch: .silence
                }
            let fate = try await Self.run(scene, address) { to in "<presence to='\(to)'\(type)/>" }
            #expect(fate == expected, "presence\(type) to \(address), \(scene)")
        }
    }

    @Test func messageToTheServer() async throws {
        try await TestServer.run { server in
            let desk = try await server.connect(1, "desk")
            desk.send("<message to='localhost' id='m'><body>Hello</body></message>")
            desk.send("<message to='localhost' type='error' id='e'><body>Hello</body></message>")
            desk.send("<presence to='localhost'/>")
            desk.send("<iq to='localhost' type='get' id='q'><question xmlns='urn:example'/></iq>")
            desk.send("<iq to='localhost/anything' type='get' id='r'><question xmlns='urn:example'/></iq>")
            desk.send("<iq to='localhost' type='result' id='s'/>")
            try await server.settle()
            #expect(
                desk.take().map(\.description) == [
                    "message localhost user1@localhost/desk error Hello service-unavailable",
                    "iq localhost error q service-unavailable", "iq localhost/anything error r service-unavailable",
                ])
        }
    }

    @Test func messageToNobodyIsForOneself() async throws {
        try await TestServer.run { server in
            let desk = try await server.goOnline(1, "desk")
            desk.send("<message type='chat'><body>Note</body></message>")
            try await server.settle()
            #expect(desk.take().map(\.description) == ["message user1@localhost/desk user1@localhost chat Note"])
        }
    }
}
