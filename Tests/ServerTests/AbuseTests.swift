import NIOCore
import Testing

@testable import Server

/// Whatever some connections do, others are served, and nothing is left of it.
@Suite(.timeLimit(.minutes(3))) struct AbuseTests {
    /// Lets an attack happen between two looks at the server's health.
    private func survive(
        _ configure: (inout Configuration) -> Void = { _ in }, _ attack: (LiveServer, RawClient) async throws -> Void
    ) async throws {
        try await LiveServer.run(domains: ["localhost"], configure) { live in
            let witness = try await live.logIn(1, resource: "witness")
            try await attack(live, witness)
            try await witness.ping()
            let other = try await live.logIn(2)
            try await other.ping()
            await other.close()
            try await live.awaitStreams(1)
            await witness.close()
        }
    }

    @Test func halfOpenConnections() async throws {
        try await survive { live, witness in
            var clients: [RawClient] = []
            for number in 0..<500 {
                let client = try await live.connect()
                if number % 2 == 0 { client.send(RawClient.header.prefix(number % 100).description) }
                clients.append(client)
            }
            try await live.awaitStreams(501)
            try await witness.ping()
            let other = try await live.logIn(3)
            try await other.ping()
            await other.close()
            for client in clients { await client.close() }
        }
    }

    @Test func slowSender() async throws {
        try await survive { live, witness in
            let slow = try await live.connect()
            for byte in RawClient.header.utf8 {
                slow.send([byte])
                try await witness.ping()
            }
            try await slow.read(until: "</stream:features>")
            await slow.close()
        }
    }

    static let bombs: [String] = [
        "<message><body>" + String(repeating: "x", count: 20 << 20),
        String(repeating: "<a>", count: 100_000),
        "<a" + String(repeating: " b=''", count: 50_000) + "/>",
        "<a" + (0..<40_000).map { " a\($0)=''" }.joined() + "/>",
        "<message>" + (0..<15_000).map { "<n\($0)/>" }.joined() + "</message>",
        "<message>"
            + (0..<30).map { level in "<a" + (0..<60).map { " xmlns:p\(level)-\($0)='u'" }.joined() + ">" }.joined()
            + String(repeating: "<a/>", count: 20_000) + String(repeating: "</a>", count: 30) + "</message>",
        "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><message>&b;</message>",
        "<message>" + String(repeating: "&lol9;", count: 10_000) + "</message>",
        "<message" + String(repeating: " ", count: 10 << 20), "<message a='" + String(repeating: "y", count: 10 << 20),
        "<" + String(repeating: "n", count: 10 << 20), "<message><![CDATA[" + String(repeating: "]]", count: 5 << 20),
        String(repeating: "</a>", count: 100_000), String(repeating: "<", count: 100_000),
        String(repeating: "\u{0}", count: 100_000),
    ]

    @Test(arguments: [false, true]) func bombs(isLoggedIn: Bool) async throws {
        try await survive { live, witness in
            for bomb in Self.bombs {
                let client = isLoggedIn ? try await live.logIn(4) : try await live.connect()
                client.send(isLoggedIn ? bomb : RawClient.header + bomb)
                // The server's last words may be cut off, since it closes while the bomb is still being sent.
                _ = try await client.readToEnd()
                await client.close()
                try await witness.ping()
            }
        }
    }

    /// Stanzas that are allowed, of the kind that costs most.
    @Test func expensiveStanzas() async throws {
        try await survive { live, witness in
            let client = try await live.logIn(4)
            let many = (0..<900).map { "<n\($0)/>" }.joined()
            let attributes = (0..<60).map { " a\($0)='&amp;'" }.joined()
            for round in 0..<20 {
                client.send(
                    "<message to='user1@localhost/witness' id='\(round)'><x xmlns='urn:\(round)'>\(many)<y\(attributes)/></x></message>"
                )
                client.send(
                    "<message to='user1@localhost/witness'><long\(round)\(String(repeating: "n", count: 12_000))/></message>"
                )
            }
            try await client.ping()
            for round in 0..<20 { try await witness.read(until: " id='\(round)'") }
            await client.close()
        }
    }

    @Test func floodBeforeLogin() async throws {
        try await survive { live, witness in
            let clients = try await withThrowingTaskGroup(of: RawClient.self) { group in
                for _ in 0..<20 { group.addTask { try await live.connect() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for client in clients {
                client.send(RawClient.header)
                client.send(
                    String(
                        repeating: "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='NONE'/>", count: 10_000))
            }
            try await witness.ping()
            for client in clients { await client.close() }
        }
    }
}
