import Testing
import XMPP

/// The machine of XEP-0388, event by event.
struct SASL2ExchangeTests {
    private let world = SASL2TestServer()
    private static let salt = Array("fedcba9876543210".utf8)

    private func response(_ name: String) -> String {
        String(decoding: Base64.encode(Array(name.utf8)), as: UTF8.self)
    }

    private var plain: String { response("\0juliet\0r0m30myr0m30") }

    // MARK: Mechanisms

    @Test(arguments: SASLMechanism.byPreference) func everyMechanismSucceeds(_ mechanism: SASLMechanism) throws {
        var exchange = world.exchange
        var client = try world.sasl.client(mechanism: mechanism)
        var action = world.authenticate(mechanism.name, client.initialResponse, &exchange)
        if case .challenge(let text) = action {
            #expect(exchange.isInProgress)
            action = world.answer(exchange.response(try client.challenged(text)), &exchange)
        }
        let success = try #require(action.success)
        try client.succeeded(success.additionalData)
        #expect(success.username == "juliet")
        #expect(success.mechanism == mechanism.name)
        #expect(success.token == nil)
        #expect(!exchange.isInProgress)
        #expect(exchange.failures == 0)
    }

    @Test func withoutInitialResponse() {
        var exchange = world.exchange
        guard case .challenge([]) = exchange.authenticate(world.request(mechanism: "PLAIN"), nonce: world.nonce) else {
            return #expect(Bool(false))
        }
        #expect(world.answer(exchange.response(Array(plain.utf8)), &exchange).success != nil)
    }

    @Test(arguments: ["", "SCRAM-SHA-224", "plain", "HT-SHA-256-UNIQ", "EXTERNAL"])
    func unknownMechanism(_ name: String) {
        var exchange = world.exchange
        #expect(world.authenticate(name, Array(plain.utf8), &exchange).failure == .invalidMechanism)
        #expect(!exchange.isInProgress)
        #expect(exchange.failures == 1)
        #expect(world.authenticate("PLAIN", Array(plain.utf8), &exchange).success != nil)
    }

    @Test func wrongPasswordAndThenTheRightOne() {
        var exchange = world.exchange
        let wrong = Array(response("\0juliet\0romeo").utf8)
        #expect(world.authenticate("PLAIN", wrong, &exchange).failure == .notAuthorized)
        #expect(world.authenticate("PLAIN", Array(plain.utf8), &exchange).success != nil)
        #expect(exchange.failures == 1)
    }

    // MARK: Order

    @Test func twoAuthenticates() {
        var exchange = world.exchange
        _ = exchange.authenticate(world.request(mechanism: "PLAIN"), nonce: world.nonce)
        #expect(world.authenticate("PLAIN", Array(plain.utf8), &exchange).disconnects)
    }

    @Test func authenticateAfterSuccess() {
        var exchange = world.exchange
        _ = world.authenticate("PLAIN", Array(plain.utf8), &exchange)
        #expect(world.authenticate("PLAIN", Array(plain.utf8), &exchange).disconnects)
        #expect(exchange.refuse(SASLFailure(.malformedRequest)).disconnects)
        #expect(exchange.response([]).disconnects)
        #expect(exchange.abort().disconnects)
        #expect(exchange.next(task: "UPGR-SCRAM-SHA-256", salt: Self.salt, iterations: 4).disconnects)
        #expect(exchange.taskData(hash: nil).disconnects)
    }

    @Test func whatBelongsToAHandshakeWithoutOne() {
        for event: (inout SASL2Exchange) -> SASL2Exchange.Action in [
            { $0.response([]) }, { $0.next(task: "UPGR-SCRAM-SHA-256", salt: Self.salt, iterations: 4) },
            { $0.taskData(hash: nil) },
        ] {
            var exchange = world.exchange
            #expect(event(&exchange).failure == .malformedRequest)
            #expect(exchange.failures == 1)
        }
        var exchange = world.exchange
        #expect(exchange.abort().failure == .aborted)
    }

    @Test func tasksDuringTheHandshake() {
        for event: (inout SASL2Exchange) -> SASL2Exchange.Action in [
            { $0.next(task: "UPGR-SCRAM-SHA-256", salt: Self.salt, iterations: 4) }, { $0.taskData(hash: nil) },
        ] {
            var exchange = world.exchange
            _ = exchange.authenticate(world.request(mechanism: "PLAIN"), nonce: world.nonce)
            #expect(event(&exchange).disconnects)
        }
    }

    @Test func abortEndsTheHandshakeOnly() {
        var exchange = world.exchange
        _ = exchange.authenticate(world.request(mechanism: "PLAIN"), nonce: world.nonce)
        #expect(exchange.abort().failure == .aborted)
        #expect(world.authenticate("PLAIN", Array(plain.utf8), &exchange).success != nil)
    }

    // MARK: Tasks

    /// Romeo has keys for SHA-1 only.
    private func begin(_ exchange: inout SASL2Exchange, _ upgrades: String) -> SASL2Exchange.Action {
        let message = response("\0romeo\0r0m30myr0m30")
        return world.answer(
            exchange.authenticate(
                world.request(mechanism: "PLAIN", "<initial-response>\(message)</initial-response>\(upgrades)"),
                nonce: world.nonce), &exchange)
    }

    private static func upgrade(_ task: String) -> String { "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>\(task)</upgrade>" }

    @Test func twoUpgradesOneAfterTheOther() throws {
        var exchange = world.exchange
        let wish = Self.upgrade("UPGR-SCRAM-SHA-256") + Self.upgrade("UPGR-X") + Self.upgrade("UPGR-SCRAM-SHA-512")
        var action = begin(&exchange, wish)
        for name in [ScramHash.Name.sha256, .sha512] {
            guard case .offerTask(name, _) = action else { return #expect(Bool(false), "\(action)") }
            #expect(exchange.isInProgress)
            let sent = exchange.next(task: name.upgradeTask, salt: Self.salt, iterations: 4)
            guard case .sendSalt(Self.salt, 4) = sent else { return #expect(Bool(false), "\(sent)") }
            let hash = ScramHash.forTests(name)
            let salted = hash.saltedPassword("r0m30myr0m30", salt: Self.salt, iterations: 4)
            guard case .storeKeys("romeo", name, let keys, let ticket) = exchange.taskData(hash: Base64.encode(salted))
            else { return #expect(Bool(false)) }
            #expect(keys == ScramKeys(saltedPassword: salted, salt: Self.salt, iterations: 4, hash: hash))
            action = exchange.keysStored(nil, ticket)
        }
        #expect(action.success?.username == "romeo")
        #expect(action.success?.additionalData == nil)
        #expect(exchange.failures == 0)
    }

    @Test func whatIsThereNeedsNoUpgrade() {
        var exchange = world.exchange
        let action = world.authenticate(
            "PLAIN", Array(plain.utf8), &exchange, Self.upgrade("UPGR-SCRAM-SHA-256"))
        #expect(action.success != nil)
    }

    @Test(arguments: ["", "SCRAM-SHA-256", "UPGR-SCRAM-SHA-512", "UPGR-SCRAM-SHA-1"])
    func anotherTask(_ task: String) {
        var exchange = world.exchange
        _ = begin(&exchange, Self.upgrade("UPGR-SCRAM-SHA-256"))
        #expect(exchange.next(task: task, salt: Self.salt, iterations: 4).failure == .malformedRequest)
        #expect(exchange.isInProgress)
        // XEP-0388 §6.8: after <continue/> there is no second try.
        #expect(world.authenticate("PLAIN", Array(plain.utf8), &exchange).disconnects)
    }

    @Test(arguments: [
        (nil, .malformedRequest), ("", .malformedRequest), ("AAAA", .malformedRequest), ("=", .incorrectEncoding),
        (String(repeating: "A", count: 45), .incorrectEncoding), (String(repeating: "A", count: 4_000), .incorrectEncoding),
        ("BzOnw3Pc5H4bOLlPZ/8JAy6wnTpH05aH21KW2+Xfpa=", .incorrectEncoding),
    ] as [(String?, SASLFailure.Condition)])
    func badHash(_ text: String?, _ condition: SASLFailure.Condition) {
        var exchange = world.exchange
        _ = begin(&exchange, Self.upgrade("UPGR-SCRAM-SHA-256"))
        _ = exchange.next(task: "UPGR-SCRAM-SHA-256", salt: Self.salt, iterations: 4)
        #expect(exchange.taskData(hash: text.map { Array($0.utf8) }).failure == condition)
        #expect(exchange.taskData(hash: text.map { Array($0.utf8) }).disconnects)
    }

    @Test func abortDuringATask() {
        for steps in 0...1 {
            var exchange = world.exchange
            _ = begin(&exchange, Self.upgrade("UPGR-SCRAM-SHA-256"))
            if steps == 1 { _ = exchange.next(task: "UPGR-SCRAM-SHA-256", salt: Self.salt, iterations: 4) }
            #expect(exchange.abort().failure == .aborted)
            #expect(world.authenticate("PLAIN", Array(plain.utf8), &exchange).disconnects)
        }
    }

    @Test func keysThatCannotBeStored() {
        var exchange = world.exchange
        _ = begin(&exchange, Self.upgrade("UPGR-SCRAM-SHA-256"))
        _ = exchange.next(task: "UPGR-SCRAM-SHA-256", salt: Self.salt, iterations: 4)
        guard case .storeKeys(_, _, _, let ticket) = exchange.taskData(hash: Base64.encode(Array(repeating: 1, count: 32)))
        else { return #expect(Bool(false)) }
        #expect(exchange.response([]).disconnects)
        #expect(exchange.keysStored(SASLFailure(.temporaryAuthFailure), ticket).failure == .temporaryAuthFailure)
        #expect(exchange.keysStored(nil, ticket).isIgnored)
    }

    @Test func nobodyIsAskedTwice() {
        var exchange = world.exchange
        _ = begin(&exchange, Self.upgrade("UPGR-SCRAM-SHA-256"))
        _ = exchange.next(task: "UPGR-SCRAM-SHA-256", salt: Self.salt, iterations: 4)
        #expect(exchange.next(task: "UPGR-SCRAM-SHA-256", salt: Self.salt, iterations: 4).disconnects)
        #expect(exchange.response([]).disconnects)
    }

    // MARK: Damage

    /// Whatever byte of a SCRAM handshake is changed or missing, nobody is let in.
    @Test(arguments: [SASLMechanism.scram(.sha1, channelBinding: true), .scram(.sha256, channelBinding: false)], [0, 1])
    func everyByteOfScram(_ mechanism: SASLMechanism, _ number: Int) throws {
        func play(_ change: ([UInt8]) -> [UInt8]) throws -> (SASL2Exchange.Action, length: Int) {
            var exchange = world.exchange
            var client = try world.sasl.client(mechanism: mechanism)
            var length = 0
            func send(_ text: [UInt8], _ index: Int) -> [UInt8] {
                guard index == number, let message = Base64.decode(text) else { return text }
                length = message.count
                return Base64.encode(change(message))
            }
            var action = world.authenticate(mechanism.name, send(client.initialResponse, 0), &exchange)
            if case .challenge(let text) = action, let answer = try? client.challenged(text) {
                action = world.answer(exchange.response(send(answer, 1)), &exchange)
            }
            return (action, length)
        }
        let (whole, length) = try play { $0 }
        #expect(whole.success != nil)
        for position in 0..<length {
            for mask: UInt8 in [1, 0x20, 0x80] {
                let (action, _) = try play { message in
                    var message = message
                    message[position] ^= mask
                    return message
                }
                #expect(action.success == nil, "byte \(position)")
            }
            #expect(try play { Array($0.prefix(position)) }.0.success == nil)
        }
    }
}

extension SASL2Exchange.Action {
    var success: SASL2Success? { if case .succeeded(let success) = self { success } else { nil } }
    var failure: SASLFailure.Condition? { if case .failed(let failure) = self { failure.condition } else { nil } }
    var disconnects: Bool { if case .disconnect = self { true } else { false } }
    var isIgnored: Bool { if case .ignored = self { true } else { false } }
}
