import Testing
import XMPP

/// Each state of the exchange against each event.
struct SASLExchangeTests {
    enum State: CaseIterable, Sendable {
        case idle, awaitingPlain, checkingPassword, awaitingClientFirst, lookingUpKeys, awaitingClientFinal, failed,
            succeeded
    }

    let server = SASLTestServer()
    static let plain = Array("\0juliet\0r0m30myr0m30".utf8)
    static let nonce = SASLTestServer.serverNonce

    /// An exchange in that state, with the ticket of its question or, failing that, one that is out of date.
    private func exchange(in state: State) throws -> (SASLExchange, SASLTicket) {
        var exchange = server.exchange
        let stale = try #require(
            exchange.auth(mechanism: "PLAIN", initialResponse: Base64.encode(Self.plain), nonce: Self.nonce).ticket)
        _ = exchange.abort()
        let client = try server.client(mechanism: .scram(.sha1, channelBinding: false), bindings: [])
        func auth(_ name: String, _ text: [UInt8]?) -> SASLExchange.Action {
            exchange.auth(mechanism: name, initialResponse: text, nonce: Self.nonce)
        }
        switch state {
        case .idle:
            break
        case .awaitingPlain:
            #expect(auth("PLAIN", nil).challenge == "")
        case .checkingPassword:
            let action = auth("PLAIN", Base64.encode(Self.plain))
            return (exchange, try #require(action.ticket))
        case .awaitingClientFirst:
            #expect(auth("SCRAM-SHA-1", []).challenge == "")
        case .lookingUpKeys:
            let action = auth("SCRAM-SHA-1", client.initialResponse)
            return (exchange, try #require(action.ticket))
        case .awaitingClientFinal:
            let action = auth("SCRAM-SHA-1", client.initialResponse)
            #expect(server.answer(action, &exchange).challenge?.hasPrefix("r=") == true)
            return (exchange, try #require(action.ticket))
        case .failed:
            #expect(server.auth("PLAIN", Array("\0juliet\0wrong".utf8), &exchange).condition == .notAuthorized)
        case .succeeded:
            #expect(server.auth("PLAIN", Self.plain, &exchange).success != nil)
        }
        return (exchange, stale)
    }

    @Test(arguments: State.allCases) func aNewHandshakeReplacesTheOld(state: State) throws {
        var (exchange, ticket) = try exchange(in: state)
        let failures = exchange.failures
        let action = exchange.auth(
            mechanism: "PLAIN", initialResponse: Base64.encode(Self.plain), nonce: Self.nonce)
        switch state {
        case .succeeded:
            #expect(action.condition == .malformedRequest)
            #expect(exchange.failures == failures + 1)
        case .idle, .failed:
            #expect(action.ticket != nil)
            #expect(exchange.failures == failures)
        case .awaitingPlain, .checkingPassword, .awaitingClientFirst, .lookingUpKeys, .awaitingClientFinal:
            #expect(action.ticket != nil)
            #expect(exchange.failures == failures + 1, "a discarded handshake counts")
        }
        // The answer to the old question must not decide the new handshake.
        #expect(exchange.passwordChecked(.right, ticket).isIgnored)
        #expect(exchange.keysFound(.unknown(account: "juliet"), ticket).isIgnored)
        if let ticket = action.ticket { #expect(exchange.passwordChecked(.right, ticket).success != nil) }
    }

    @Test(arguments: State.allCases) func aResponseIsTakenWhereOneIsDue(state: State) throws {
        var (exchange, _) = try exchange(in: state)
        let action = exchange.response(Base64.encode(Self.plain))
        switch state {
        case .awaitingPlain: #expect(action.ticket != nil)
        case .idle, .checkingPassword, .awaitingClientFirst, .lookingUpKeys, .awaitingClientFinal, .failed, .succeeded:
            #expect(action.condition == .malformedRequest)
        }
    }

    @Test(arguments: State.allCases) func anUnexpectedResponseEndsTheHandshake(state: State) throws {
        var (exchange, ticket) = try exchange(in: state)
        guard exchange.response(Array("!".utf8)).condition != nil else {
            Issue.record("the response was taken")
            return
        }
        #expect(exchange.passwordChecked(.right, ticket).isIgnored)
        #expect(exchange.keysFound(.unknown(account: "juliet"), ticket).isIgnored)
        #expect(exchange.response([]).condition == .malformedRequest)
    }

    @Test(arguments: State.allCases) func abortAlwaysEndsTheHandshake(state: State) throws {
        var (exchange, ticket) = try exchange(in: state)
        #expect(exchange.abort().condition == (state == .succeeded ? .malformedRequest : .aborted))
        #expect(exchange.passwordChecked(.right, ticket).isIgnored)
        #expect(exchange.keysFound(.unknown(account: "juliet"), ticket).isIgnored)
    }

    @Test(arguments: State.allCases) func aPasswordVerdictIsTakenWhereOneWasAskedFor(state: State) throws {
        var (exchange, ticket) = try exchange(in: state)
        let action = exchange.passwordChecked(.right, ticket)
        switch state {
        case .checkingPassword: #expect(action.success?.username == "juliet")
        case .idle, .awaitingPlain, .awaitingClientFirst, .lookingUpKeys, .awaitingClientFinal, .failed, .succeeded:
            #expect(action.isIgnored)
        }
        #expect(exchange.passwordChecked(.right, ticket).isIgnored)
    }

    @Test(arguments: State.allCases) func keysAreTakenWhereTheyWereAskedFor(state: State) throws {
        var (exchange, ticket) = try exchange(in: state)
        let action = exchange.keysFound(.unknown(account: "juliet"), ticket)
        switch state {
        case .lookingUpKeys: #expect(action.challenge?.hasPrefix("r=") == true)
        case .idle, .awaitingPlain, .checkingPassword, .awaitingClientFirst, .awaitingClientFinal, .failed, .succeeded:
            #expect(action.isIgnored)
        }
        #expect(exchange.keysFound(.unknown(account: "juliet"), ticket).isIgnored)
    }

    @Test func failuresOfTheSourcesAreTemporary() throws {
        var (exchange, ticket) = try exchange(in: .lookingUpKeys)
        #expect(exchange.keysFound(.failed("the directory is down"), ticket).condition == .temporaryAuthFailure)
        (exchange, ticket) = try self.exchange(in: .checkingPassword)
        let failure = SASLFailure(.temporaryAuthFailure, "the directory is down")
        #expect(exchange.passwordChecked(.refused(failure), ticket).condition == .temporaryAuthFailure)
        for damaged in [
            ScramKeys(salt: [], iterations: 4, storedKey: [1], serverKey: [2]),
            ScramKeys(salt: [1], iterations: 4, storedKey: [1], serverKey: [2]),
            ScramKeys(
                salt: [1], iterations: 0, storedKey: [UInt8](repeating: 1, count: 20),
                serverKey: [UInt8](repeating: 1, count: 20)),
        ] {
            (exchange, ticket) = try self.exchange(in: .lookingUpKeys)
            #expect(exchange.keysFound(.found(damaged), ticket).condition == .temporaryAuthFailure)
        }
    }

    @Test func everyFailureCounts() {
        var exchange = server.exchange
        _ = server.auth("PLAIN", Array("\0juliet\0wrong".utf8), &exchange)
        _ = server.auth("NONE", nil, &exchange)
        _ = server.auth("SCRAM-SHA-1", [], &exchange)
        _ = exchange.response(Array("!".utf8))
        _ = exchange.abort()
        #expect(exchange.failures == 4)
        #expect(server.auth("PLAIN", Self.plain, &exchange).success != nil, "a later attempt may succeed")
    }

    @Test func theDetailStaysOutOfTheDescription() {
        let failure = SASLFailure(.notAuthorized, "no such account")
        #expect("\(failure)" == "not-authorized")
        #expect(String(reflecting: failure) == "not-authorized: no such account")
    }

    @Test func decoysAreStableAndUnlikeEachOther() throws {
        func challenge(_ account: String) -> String? {
            var exchange = server.exchange
            return server.auth("SCRAM-SHA-256", Array("n,,n=\(account),r=abc".utf8), &exchange).challenge
        }
        #expect(challenge("nobody") == challenge("nobody"))
        #expect(challenge("nobody") != challenge("noone"))
        #expect(challenge("nobody")?.count == challenge("juliet")?.count)
    }

    /// RFC 6120 §6.4.5: what is counted are log-ins, not misunderstandings about channel bindings.
    @Test func unofferedChannelBindingsAreNotCountedOnce() throws {
        let server = SASLTestServer()
        var exchange = server.exchange
        let bound = SASLMechanism.byPreference.filter(\.bindsChannel)
        func tryUnique(_ mechanism: SASLMechanism) {
            let action = server.auth(mechanism.name, Array("p=tls-unique,,n=juliet,r=abc".utf8), &exchange)
            guard case .failed(let failure) = action else {
                Issue.record("\(action)")
                return
            }
            #expect(failure.condition == .malformedRequest)
        }
        for mechanism in bound { tryUnique(mechanism) }
        #expect(exchange.failures == 0)
        // Who does not understand has begun to play.
        for (index, mechanism) in bound.enumerated() {
            tryUnique(mechanism)
            #expect(exchange.failures == index + 1)
        }
        // And the exchange goes on as ever.
        _ = server.auth("PLAIN", Array("\0juliet\0wrong".utf8), &exchange)
        #expect(exchange.failures == bound.count + 1)
        guard case .succeeded = server.auth("PLAIN", Array("\0juliet\0r0m30myr0m30".utf8), &exchange) else {
            Issue.record("no success")
            return
        }
    }
}
