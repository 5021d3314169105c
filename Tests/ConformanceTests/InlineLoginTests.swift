import Accounts
import Features
import Foundation
import Replay
import Server
import Testing
import XMPP

/// XEP-0388, XEP-0386 and XEP-0484 through the network: what transcripts cannot say.
@Suite struct InlineLoginTests {
    private static let managed = "<bind xmlns='urn:xmpp:bind:0'><tag>Test</tag><enable xmlns='urn:xmpp:sm:3' resume='true'/></bind>"
    private static let wish = "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-EXPR'/>"
    private static let fast = "<fast xmlns='urn:xmpp:fast:0'/>"

    private func stage() async throws -> Stage {
        let stage = try await LiveStages.shared.stage(for: Transcript(file: "inline"))
        for name in ["romeo", "juliet"] { try await stage.server.localAccounts(of: stage.domain)?.add(name, password: name) }
        return stage
    }

    /// What a first log-in with a password brings.
    private func first(_ stage: Stage) async throws -> (client: InlineClient, jid: String, token: String, session: String) {
        let client = try await InlineClient(stage)
        try await client.openStream("romeo")
        try await client.send(
            InlineClient.authenticate("PLAIN", InlineClient.plain("romeo", "romeo"), Self.wish + Self.managed))
        let answer = try await client.read(until: "</stream:features>")
        return (
            client, try #require(answer.text(of: "authorization-identifier")),
            try #require(answer.value(of: "token", behind: "<token")), try #require(answer.value(of: "id", behind: "<enabled"))
        )
    }

    // MARK: Round trips

    /// Back after a lost connection: a token, and the session as it was, in two round trips after TLS. Who remembers
    /// what is offered (§2.1) needs one.
    @Test(arguments: [1, 2]) func backInTheSession(_ roundTrips: Int) async throws {
        let stage = try await stage()
        let (former, jid, token, session) = try await first(stage)
        await former.close()
        let client = try await InlineClient(stage)
        let message = try await client.hashed("romeo", token: token)
        let wish = InlineClient.authenticate(
            "HT-SHA-256-EXPR", message,
            Self.fast + "<resume xmlns='urn:xmpp:sm:3' previd='\(session)' h='0'/>" + Self.managed)
        if roundTrips == 1 {
            try await client.send(InlineClient.header("romeo", stage.domain) + wish)
        } else {
            try await client.openStream("romeo")
            try await client.send(wish)
        }
        let answer = try await client.read(until: "</success>")
        #expect(client.turns == roundTrips)
        #expect(answer.contains("<resumed xmlns='urn:xmpp:sm:3' previd='\(session)' h='0'/>"))
        #expect(answer.text(of: "authorization-identifier") == jid)
        #expect(!answer.contains("<bound"))
        try await exchange(client, jid)
    }

    /// The session has ended meanwhile: a new one takes as long.
    @Test func backInANewSession() async throws {
        let stage = try await stage()
        let (former, jid, token, session) = try await first(stage)
        try await former.send("</stream:stream>")
        _ = try await former.read(until: "</stream:stream>")
        let client = try await InlineClient(stage)
        try await client.openStream("romeo")
        try await client.send(
            InlineClient.authenticate(
                "HT-SHA-256-EXPR", try await client.hashed("romeo", token: token),
                Self.fast + "<resume xmlns='urn:xmpp:sm:3' previd='\(session)' h='0'/>" + Self.managed))
        let answer = try await client.read(until: "</stream:features>")
        #expect(client.turns == 2)
        #expect(answer.contains("<failed xmlns='urn:xmpp:sm:3'><item-not-found"))
        #expect(answer.contains("<bound xmlns='urn:xmpp:bind:0'>"))
        #expect(answer.contains("<enabled xmlns='urn:xmpp:sm:3'"))
        // The same client with the same tag: the same resource.
        #expect(answer.text(of: "authorization-identifier") == jid)
        #expect(jid.hasPrefix("romeo@\(stage.domain)/Test/"))
        #expect(!jid.contains(InlineClient.device))
        try await exchange(client, jid)
    }

    private func exchange(_ client: InlineClient, _ jid: String) async throws {
        try await client.send("<message to='\(jid)' id='m1'><body>To myself</body></message>")
        _ = try await client.read(until: "<body>To myself</body>")
        await client.close()
    }

    // MARK: Order

    /// Whoever is written to while it is being bound reads the answer first.
    @Test func theAnswerComesBeforeAllElse() async throws {
        let stage = try await stage()
        let (former, jid, _, _) = try await first(stage)
        let juliet = Task {
            let client = try await InlineClient(stage)
            try await client.openStream("juliet")
            try await client.send(
                InlineClient.authenticate(
                    "PLAIN", InlineClient.plain("juliet", "juliet"), "<bind xmlns='urn:xmpp:bind:0'/>"))
            _ = try await client.read(until: "</stream:features>")
            while !Task.isCancelled {
                try await client.send("<message to='\(jid)' type='headline'><body>x</body></message>")
                try? await Task.sleep(for: .microseconds(200))
            }
            await client.close()
        }
        for _ in 0..<40 {
            let client = try await InlineClient(stage)
            try await client.openStream("romeo")
            try await client.send(
                InlineClient.authenticate("PLAIN", InlineClient.plain("romeo", "romeo"), Self.managed))
            let answer = try await client.read(until: "</stream:features>")
            #expect(answer.hasPrefix("<success xmlns='urn:xmpp:sasl:2'>"), "\(answer.prefix(200))")
            #expect(!answer.contains("<message"))
            await client.close()
        }
        juliet.cancel()
        try await juliet.value
        await former.close()
    }

    // MARK: Ends of tokens

    private func useToken(_ token: String, _ stage: Stage) async throws -> String {
        let client = try await InlineClient(stage)
        try await client.openStream("romeo")
        try await client.send(
            InlineClient.authenticate("HT-SHA-256-EXPR", try await client.hashed("romeo", token: token), Self.fast))
        let answer = try await client.read(until: "</success>", "</failure>")
        await client.close()
        return answer
    }

    @Test func anAdministratorEndsASession() async throws {
        let stage = try await stage()
        let (client, jid, token, _) = try await first(stage)
        #expect(try await useToken(token, stage).contains("<success"))
        try await stage.server.kernel.kick(try JID(jid))
        #expect(try await client.read(until: "</stream:error>").contains("<policy-violation"))
        #expect(try await useToken(token, stage).contains("<credentials-expired"))
        await #expect(throws: StanzaError.self) { try await stage.server.kernel.kick(try JID(jid)) }
    }

    @Test func anAdministratorEndsAllSessions() async throws {
        let stage = try await stage()
        let (client, jid, token, _) = try await first(stage)
        try await stage.server.kernel.kick(try JID(jid).bare)
        #expect(try await client.read(until: "</stream:error>").contains("<policy-violation"))
        #expect(try await useToken(token, stage).contains("<credentials-expired"))
    }

    /// As `martlet user password` does beside the server.
    @Test func aPasswordSetByAnotherProcess() async throws {
        let stage = try await stage()
        let (client, jid, token, _) = try await first(stage)
        await client.close()
        let account = try JID(jid).bare
        let kernel = stage.server.kernel
        // A first look at the accounts sees what has been so far.
        try await waitUntil { kernel.accounts[account]?.sessions.first?.isAway == true }
        try await Task.sleep(for: .seconds(5))
        try await stage.server.localAccounts(of: stage.domain)?.setPassword(of: "romeo", to: "another")
        #expect(try await useToken(token, stage).contains("<credentials-expired"))
        try await waitUntil { kernel.accounts[account]?.sessions.isEmpty ?? true }
    }

    @Test func aDisabledAccount() async throws {
        let stage = try await stage()
        let (client, _, token, _) = try await first(stage)
        try await stage.server.localAccounts(of: stage.domain)?.setDisabled("romeo", true)
        #expect(try await useToken(token, stage).contains("<account-disabled"))
        await client.close()
    }

    private func waitUntil(_ condition: () -> Bool) async throws {
        let limit = ContinuousClock.now + .seconds(60)
        while !condition() {
            guard ContinuousClock.now < limit else { throw InlineClient.Failure(description: "waited in vain") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    // MARK: Restart

    /// Tokens, resources and the sessions that wait outlive the server.
    @Test func theServerIsRestarted() async throws {
        let configuration = try StageConfiguration.load(domains: ["localhost"], needs: [:])
        func start() async throws -> Stage {
            let server = try await Server(configuration: configuration, features: allFeatures, logger: .stage, loops: 2)
            return Stage(
                server: server, domain: "localhost",
                transport: LiveTransport(
                    host: "127.0.0.1",
                    ports: [.clientTLS: server.ports[StageConfiguration.Listener.direct.rawValue]]))
        }
        var stage = try await start()
        try await stage.server.localAccounts(of: "localhost")?.add("romeo", password: "romeo")
        let (_, jid, token, session) = try await first(stage)
        await stage.server.stop()
        stage = try await start()
        do {
            let client = try await InlineClient(stage)
            try await client.openStream("romeo")
            try await client.send(
                InlineClient.authenticate(
                    "HT-SHA-256-EXPR", try await client.hashed("romeo", token: token),
                    Self.fast + "<resume xmlns='urn:xmpp:sm:3' previd='\(session)' h='0'/>"))
            let answer = try await client.read(until: "</success>", "</failure>")
            #expect(answer.contains("<resumed"))
            // The same device binds anew: the session that outlived the server ends.
            let second = try await InlineClient(stage)
            try await second.openStream("romeo")
            try await second.send(
                InlineClient.authenticate("PLAIN", InlineClient.plain("romeo", "romeo"), Self.managed))
            #expect(try await second.read(until: "</success>").text(of: "authorization-identifier") == jid)
            #expect(try await client.read(until: "</stream:error>").contains("<conflict"))
        } catch {
            await stage.server.stop()
            throw error
        }
        await stage.server.stop()
    }

    // MARK: Damage

    /// Whatever byte of an `<authenticate/>` is changed, the server says something, and goes on.
    @Test func everyByteOfAnAuthenticate() async throws {
        let stage = try await stage()
        let whole = Array(
            InlineClient.authenticate(
                "PLAIN", InlineClient.plain("romeo", "romeo"),
                Self.wish + "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>" + Self.managed
            ).utf8)
        let masks: [UInt8] = [1, 2, 4, 0x80]
        for position in whole.indices {
            var changed = whole
            changed[position] ^= masks[position % masks.count]
            let client = try await InlineClient(stage)
            try await client.openStream("romeo")
            // Whatever is open is closed, so that nothing is left incomplete.
            let rest = "</x>'></x>\"></x>-->]]></x>"
            try await client.send(changed + Array(String(repeating: rest, count: 8).utf8))
            #expect(await client.readSomething(), "byte \(position)")
            await client.close()
        }
        let (client, _, _, _) = try await first(stage)
        await client.close()
    }
}
