import Testing

@testable import Server

/// Clients of a domain that has moved are sent on (RFC 6120 §4.9.3.19).
@Suite(.timeLimit(.minutes(2))) struct MovedDomainTests {
    static let error = StreamErrorTests.error("see-other-host") + ">other.example:5222</see-other-host></stream:error>"
    static let host = OtherHost("other.example:5222")

    @Test func newStreams() async throws {
        try await LiveServer.run(domains: ["localhost", "stays.example"], { $0.domains[0].movedTo = Self.host }) { live in
            let client = try await live.connect()
            client.send(RawClient.header)
            let answer = try await client.readToEnd()
            #expect(answer.hasPrefix("<?xml version='1.0'?><stream:stream "))
            #expect(answer.hasSuffix(Self.error + RawClient.end))
            await client.close()
            let other = try await live.connect()
            other.send(RawClient.header.replacing("'localhost'", with: "'stays.example'"))
            try await other.read(until: "</stream:features>")
            await other.close()
        }
    }

    /// "SHOULD NOT close the stream with a <see-other-host/> stream error until after the confidentiality and
    /// integrity of the stream have been protected via TLS"
    @Test func notBeforeTLS() async throws {
        try await LiveServer.run(domains: ["localhost"], tls: .required, { $0.domains[0].movedTo = Self.host }) { live in
            let client = try await live.connect()
            client.send(RawClient.header)
            try await client.read(until: "<required/></starttls></stream:features>")
            await client.close()
        }
    }

    /// What is connected when the setting is reloaded goes as well, and stays away until it is taken back.
    @Test func reload() async throws {
        try await LiveServer.run { live in
            let bound = try await live.logIn(1)
            let early = try await live.connect()
            early.send(RawClient.header)
            try await early.read(until: "</stream:features>")
            let silent = try await live.connect()
            try await live.awaitStreams(3)
            var configuration = live.server.kernel.configuration
            configuration.domains[0].movedTo = Self.host
            live.server.kernel.reload(configuration)
            for client in [bound, early] {
                #expect(try await client.readToEnd().hasSuffix(Self.error + RawClient.end))
                await client.close()
            }
            silent.send(RawClient.header)
            #expect(try await silent.readToEnd().contains(Self.error))
            await silent.close()
            configuration.domains[0].movedTo = nil
            live.server.kernel.reload(configuration)
            let back = try await live.logIn(1)
            try await back.ping()
            await back.close()
        }
    }

    /// Many streams are closed over some time, but all of them.
    @Test func manyStreams() async throws {
        // None of them logs in, however long a busy machine takes.
        try await LiveServer.run({ $0[LimitSettings.loginTime] = .seconds(600) }) { live in
            var clients: [RawClient] = []
            for _ in 0..<250 {
                let client = try await live.connect()
                client.send(RawClient.header)
                clients.append(client)
            }
            for client in clients { try await client.read(until: "</stream:features>") }
            var configuration = live.server.kernel.configuration
            configuration.domains[0].movedTo = Self.host
            live.server.kernel.reload(configuration)
            for client in clients {
                #expect(try await client.readToEnd() == Self.error + RawClient.end)
                await client.close()
            }
        }
    }
}
