import Testing
import XMPP

/// Tokens in the place of passwords: the part of XEP-0484 that is the machine's.
struct HashedTokenTests {
    private let world = SASL2TestServer()
    private static let fast = "<fast xmlns='urn:xmpp:fast:0'/>"
    private static let message = HashedTokenMessage(username: "juliet", proof: Array(0..<32))

    private func authenticate(
        _ exchange: inout SASL2Exchange, _ content: String = SASL2TestServer.userAgent + fast,
        message: [UInt8] = message.bytes, mechanism: String = "HT-SHA-256-NONE"
    ) -> SASL2Exchange.Action {
        world.authenticate(mechanism, Base64.encode(message), &exchange, content)
    }

    @Test(arguments: HashedTokenMechanism.allCases) func aTokenIsChecked(_ mechanism: HashedTokenMechanism) {
        var exchange = world.exchange
        guard case .checkToken(Self.message, mechanism, let ticket) = authenticate(&exchange, mechanism: mechanism.name)
        else { return #expect(Bool(false)) }
        #expect(exchange.isInProgress)
        #expect(exchange.response([]).disconnects)
        let success = exchange.tokenChecked(.right(proof: [1, 2, 3], isDue: true), ticket).success
        #expect(success?.username == "juliet")
        #expect(success?.additionalData == Base64.encode([1, 2, 3]))
        #expect(success?.token?.isDue == true)
        #expect(exchange.tokenChecked(.right(proof: [], isDue: false), ticket).isIgnored)
    }

    @Test func aRefusedTokenLeavesRoomForAPassword() {
        var exchange = world.exchange
        guard case .checkToken(_, _, let ticket) = authenticate(&exchange) else { return #expect(Bool(false)) }
        #expect(exchange.tokenChecked(.refused(SASLFailure(.credentialsExpired)), ticket).failure == .credentialsExpired)
        let plain = Base64.encode(Array("\0juliet\0r0m30myr0m30".utf8))
        #expect(world.authenticate("PLAIN", plain, &exchange).success != nil)
        #expect(exchange.failures == 1)
    }

    @Test func theAnswerToAnEarlierQuestionIsIgnored() {
        var exchange = world.exchange
        guard case .checkToken(_, _, let first) = authenticate(&exchange) else { return #expect(Bool(false)) }
        #expect(exchange.abort().failure == .aborted)
        guard case .checkToken(_, _, let second) = authenticate(&exchange) else { return #expect(Bool(false)) }
        #expect(exchange.tokenChecked(.right(proof: [], isDue: false), first).isIgnored)
        #expect(exchange.tokenChecked(.right(proof: [], isDue: false), second).success != nil)
    }

    @Test func withoutWhatATokenNeeds() {
        for content in ["", Self.fast, SASL2TestServer.userAgent, "<user-agent id='x'/>" + Self.fast] {
            var exchange = world.exchange
            #expect(authenticate(&exchange, content).failure == .malformedRequest)
            #expect(!exchange.isInProgress)
        }
        var exchange = world.exchange
        let request = world.request(mechanism: "HT-SHA-256-NONE", SASL2TestServer.userAgent + Self.fast)
        #expect(exchange.authenticate(request, nonce: world.nonce).failure == .malformedRequest)
    }

    @Test func mechanismsThatAreNotOffered() {
        var world = world
        world.tokenMechanisms = [.unbound]
        var exchange = world.exchange
        #expect(authenticate(&exchange, mechanism: "HT-SHA-256-EXPR").failure == .invalidMechanism)
    }

    /// Whatever byte is changed or missing, what is asked for is not what was sent.
    @Test func everyByteOfTheMessage() {
        let bytes = Self.message.bytes
        for position in bytes.indices {
            for mask in UInt8(1)...255 {
                var changed = bytes
                changed[position] ^= mask
                var exchange = world.exchange
                switch authenticate(&exchange, message: changed) {
                case .checkToken(let message, _, _): #expect(message != Self.message)
                case .failed(let failure): #expect(failure.condition == .malformedRequest)
                default: #expect(Bool(false), "byte \(position)")
                }
            }
            var exchange = world.exchange
            #expect(authenticate(&exchange, message: Array(bytes.prefix(position))).failure == .malformedRequest)
        }
    }

    @Test func bindingsDecideWhatIsOffered() {
        #expect(HashedTokenMechanism.possible(with: []) == [.unbound])
        #expect(HashedTokenMechanism.possible(with: [.tlsExporter]) == [.exporter, .unbound])
        #expect(HashedTokenMechanism.possible(with: [.tlsExporter, .tlsServerEndPoint]) == [.exporter, .endPoint, .unbound])
    }
}
