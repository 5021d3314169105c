import Testing
import XMPP

@testable import Server

/// The features that streams are shown, which are written once for streams alike.
@Suite(.timeLimit(.minutes(2))) struct FeatureListTests {
    private func features(_ client: RawClient, domain: String = "localhost") async throws -> String {
        client.send(RawClient.header.replacing("'localhost'", with: "'\(domain)'"))
        let answer = try await client.read(until: "</stream:features>")
        return String(answer.drop { $0 != ">" })
    }

    /// Each stream is shown what belongs to its own state, also when others were shown something before.
    @Test func everyStateHasItsOwn() async throws {
        try await LiveServer.run { live in
            for number in 1...2 {
                let account = try await live.account(number)
                let client = try await live.connect()
                let before = try await features(client)
                #expect(before.contains("<mechanism>PLAIN</mechanism>"))
                #expect(!before.contains("<bind "))
                client.send(RawClient.plain(account.name, account.password))
                try await client.read(until: "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
                let after = try await features(client)
                #expect(after.contains("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"))
                #expect(!after.contains("<mechanism>"))
                await client.close()
            }
        }
    }

    /// The limits that are announced are those in force.
    @Test func reload() async throws {
        try await LiveServer.run { live in
            for bytes in [20_000, 30_000] {
                var configuration = live.server.kernel.configuration
                configuration[LimitSettings.stanzaSizeBeforeLogin] = ByteCount(bytes)
                live.server.kernel.reload(configuration)
                for _ in 0..<2 {
                    let client = try await live.connect()
                    #expect(try await features(client).contains("<max-bytes>\(bytes)</max-bytes>"))
                    await client.close()
                }
            }
        }
    }
}
