import Accounts
import Testing
import XMPP

@testable import Server

/// What belongs to an account is read while its owner still proves who it is.
@Suite(.timeLimit(.minutes(2))) struct LoginReadingTests {
    private func isLoaded(_ name: String, _ live: LiveServer) throws -> Bool {
        live.server.kernel.accounts[try JID("\(name)@localhost")] != nil
    }

    @Test func beforeAResourceIsBound() async throws {
        try await LiveServer.run { live in
            let account = try await live.account(1)
            #expect(try !isLoaded(account.name, live))
            let client = try await live.connect()
            try await client.authenticate(account.name, account.password)
            while try !isLoaded(account.name, live) { try await Task.sleep(for: .milliseconds(5)) }
            try await client.bind("test")
            try await client.ping()
            await client.close()
        }
    }

    /// Names that nobody has leave nothing behind, and disabled accounts do not, either.
    @Test func onlyForAccountsThatMayBeUsed() async throws {
        try await LiveServer.run { live in
            let accounts = try #require(try live.server.localAccounts(of: "localhost"))
            let disabled = try await live.account(1)
            try await accounts.setDisabled(disabled.name, true)
            let (wrong, _) = try await live.account(2)
            for (name, password) in [("nobody", "pw"), (disabled.name, disabled.password), (wrong, "not the password")] {
                let client = try await live.connect()
                client.send(RawClient.header)
                try await client.read(until: "</stream:features>")
                client.send(RawClient.plain(name, password))
                try await client.read(until: "</failure>")
                await client.close()
            }
            // Known, and read at the first attempt.
            while try !isLoaded(wrong, live) { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try !isLoaded("nobody", live))
            #expect(try !isLoaded(disabled.name, live))
        }
    }
}
