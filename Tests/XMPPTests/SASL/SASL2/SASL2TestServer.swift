import NIOCore
import XMPP

/// A server's world for tests of SASL2: Juliet has all keys, Romeo those of SHA-1 only, and both the same password.
struct SASL2TestServer {
    var sasl: SASLTestServer = {
        var sasl = SASLTestServer()
        sasl.accounts["romeo"] = SASLTestServer.Account(password: "r0m30myr0m30")
        return sasl
    }()
    let nonce = SASLTestServer.serverNonce
    var tokenMechanisms = HashedTokenMechanism.allCases

    static let device = "d4565fa7-4d72-4749-b3d3-740edbf87770"
    static let userAgent = "<user-agent id='\(device)'><software>AwesomeXMPP</software></user-agent>"

    var exchange: SASL2Exchange {
        SASL2Exchange(
            SASL2Context(
                sasl: sasl.context, tokenMechanisms: tokenMechanisms,
                lackingKeys: { $0 == "romeo" ? [.sha256, .sha512] : [] }))
    }

    /// An element as it arrives.
    static func element(_ text: String) throws -> Element {
        try StanzaParser().parse(ByteBuffer(string: text), limits: XMLLimits(bytes: 100_000, depth: 64))
    }

    func request(mechanism: String, _ content: String = "") -> SASL2Request {
        let text = "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='\(mechanism)'>\(content)</authenticate>"
        do {
            return try SASL2Request(Self.element(text))
        } catch {
            fatalError("\(error)")
        }
    }

    func authenticate(
        _ mechanism: String, _ response: [UInt8], _ exchange: inout SASL2Exchange, _ content: String = ""
    ) -> SASL2Exchange.Action {
        let text = String(decoding: response, as: UTF8.self)
        let request = request(mechanism: mechanism, "<initial-response>\(text)</initial-response>\(content)")
        return answer(exchange.authenticate(request, nonce: nonce), &exchange)
    }

    /// Answers questions about accounts until there is something to send.
    func answer(_ action: SASL2Exchange.Action, _ exchange: inout SASL2Exchange) -> SASL2Exchange.Action {
        switch action {
        case .lookUpKeys(let username, let hash, let ticket):
            let lookup =
                sasl.accounts[username].map { ScramLookup.found(sasl.keys($0, hash), refusal: $0.refusal) }
                ?? .unknown(account: username)
            return exchange.keysFound(lookup, ticket)
        case .checkPassword(let username, let password, let ticket):
            return exchange.passwordChecked(sasl.accounts[username]?.password == password ? .right : .wrong, ticket)
        case .challenge, .checkToken, .offerTask, .sendSalt, .storeKeys, .succeeded, .failed, .disconnect, .ignored:
            return action
        }
    }
}
