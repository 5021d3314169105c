import XMPP

/// A server's world for tests: accounts in a dictionary, answering the questions of an exchange.
struct SASLTestServer {
    struct Account {
        var password: String
        var refusal: SASLFailure?
        var iterations = 4
        var salt = Array("0123456789abcdef".utf8)
    }

    enum Outcome: Equatable {
        case succeeded(SASLSuccess)
        case failed(SASLFailure.Condition)
        case clientFailed(SASLClientError)
    }

    var accounts: [String: Account] = ["juliet": Account(password: "r0m30myr0m30")]
    var hasTLS = true
    var plainWithoutTLS = false
    var bindings = [SASLTestServer.exporter, SASLTestServer.endPoint]
    var scramHashes = Set(ScramHash.Name.allCases)
    var protectsAgainstDowngrades = true
    var others: [String] = []

    static let exporter = ChannelBinding(.tlsExporter, data: (0..<32).map { $0 })
    static let endPoint = ChannelBinding(.tlsServerEndPoint, data: (0..<48).map { $0 &* 5 })
    static let serverNonce = ScramNonce(random: (0..<18).map { $0 &* 7 })
    static let clientNonce = ScramNonce(random: (0..<18).map { $0 &* 13 &+ 1 })

    var offer: SASLOffer {
        SASLOffer(
            SASLOffer.Facts(
                hasTLS: hasTLS, allowsPlainWithoutTLS: plainWithoutTLS, channelBindingTypes: bindings.map(\.type),
                scramHashes: scramHashes, checksPasswords: true))
    }

    var advertisement: SASLAdvertisement { offer.advertisement(after: others) }

    var context: SASLContext {
        SASLContext(
            offer: offer,
            downgradeProtection: protectsAgainstDowngrades ? advertisement.downgradeProtection(ScramHash.allForTests) : [:],
            hashes: ScramHash.allForTests, channelBindings: bindings,
            decoy: ScramDecoy(secret: Array("a secret".utf8), iterations: 4),
            isOwnIdentity: { $0 == "\($1)@capulet.lit" })
    }

    var exchange: SASLExchange { SASLExchange(context) }

    func keys(_ account: Account, _ name: ScramHash.Name) -> ScramKeys {
        let hash = ScramHash.forTests(name)
        return ScramKeys(
            saltedPassword: hash.saltedPassword(account.password, salt: account.salt, iterations: account.iterations),
            salt: account.salt, iterations: account.iterations, hash: hash)
    }

    /// Answers questions until there is something to send.
    func answer(_ action: SASLExchange.Action, _ exchange: inout SASLExchange) -> SASLExchange.Action {
        switch action {
        case .lookUpKeys(let username, let hash, let ticket):
            let lookup =
                accounts[username].map { ScramLookup.found(keys($0, hash), refusal: $0.refusal) }
                ?? .unknown(account: username)
            return exchange.keysFound(lookup, ticket)
        case .checkPassword(let username, let password, let ticket):
            let account = accounts[username]
            let verdict: PasswordVerdict =
                account?.password != password ? .wrong : account?.refusal.map { .refused($0) } ?? .right
            return exchange.passwordChecked(verdict, ticket)
        case .challenge, .succeeded, .failed, .ignored:
            return action
        }
    }

    func auth(_ mechanism: String, _ message: [UInt8]?, _ exchange: inout SASLExchange) -> SASLExchange.Action {
        let action = exchange.auth(
            mechanism: mechanism, initialResponse: message.map(Base64.encode), nonce: SASLTestServer.serverNonce)
        return answer(action, &exchange)
    }

    func response(_ message: [UInt8], _ exchange: inout SASLExchange) -> SASLExchange.Action {
        answer(exchange.response(Base64.encode(message)), &exchange)
    }

    /// A whole handshake. `tamper` changes a message on its way: the texts are numbered from 0, the client's even.
    func run(
        _ client: SASLClient, withInitialResponse: Bool = true,
        tamper: (_ number: Int, _ text: [UInt8]) -> [UInt8] = { $1 }
    ) -> Outcome {
        var client = client
        var exchange = exchange
        var action: SASLExchange.Action
        if withInitialResponse {
            action = exchange.auth(
                mechanism: client.mechanism.name, initialResponse: tamper(0, client.initialResponse),
                nonce: SASLTestServer.serverNonce)
        } else {
            action = exchange.auth(
                mechanism: client.mechanism.name, initialResponse: nil, nonce: SASLTestServer.serverNonce)
            guard case .challenge([]) = action else { return .failed(.malformedRequest) }
            action = exchange.response(tamper(0, client.initialResponse))
        }
        action = answer(action, &exchange)
        var number = 1
        do throws(SASLClientError) {
            while case .challenge(let text) = action {
                let response = try client.challenged(tamper(number, text))
                action = answer(exchange.response(tamper(number + 1, response)), &exchange)
                number += 2
            }
            switch action {
            case .succeeded(let success):
                try client.succeeded(success.additionalData.map { tamper(number, $0) })
                return .succeeded(success)
            case .failed(let failure):
                return .failed(failure.condition)
            case .challenge, .lookUpKeys, .checkPassword, .ignored:
                return .failed(.temporaryAuthFailure)
            }
        } catch {
            return .clientFailed(error)
        }
    }

    /// A client that sees what this server advertises, unless something else is given.
    func client(
        _ username: String = "juliet", _ password: String = "r0m30myr0m30", authzid: String? = nil,
        mechanism: SASLMechanism? = nil, bindings: [ChannelBinding]? = nil, seeing seen: SASLAdvertisement? = nil,
        hashes: [ScramHash] = ScramHash.allForTests
    ) throws(SASLClientError) -> SASLClient {
        try SASLClient(
            SASLClient.Credentials(username: username, password: password, authzid: authzid),
            SASLClient.Abilities(
                hashes: hashes, channelBindings: bindings ?? self.bindings, allowsPlain: true,
                iterations: 1...10_000),
            offered: seen ?? advertisement, mechanism: mechanism, nonce: SASLTestServer.clientNonce)
    }
}

extension SASLExchange.Action {
    /// The condition of a failure, or nil.
    var condition: SASLFailure.Condition? {
        if case .failed(let failure) = self { failure.condition } else { nil }
    }

    /// The decoded message of a challenge, or nil.
    var challenge: String? {
        if case .challenge(let text) = self {
            Base64.decode(text).map { String(decoding: $0, as: UTF8.self) }
        } else {
            nil
        }
    }

    var success: SASLSuccess? {
        if case .succeeded(let success) = self { success } else { nil }
    }

    var isIgnored: Bool {
        if case .ignored = self { true } else { false }
    }

    var ticket: SASLTicket? {
        switch self {
        case .lookUpKeys(_, _, let ticket), .checkPassword(_, _, let ticket): ticket
        case .challenge, .succeeded, .failed, .ignored: nil
        }
    }
}
