import Testing
import XMPP

/// Whatever is changed, cut off or made up on the way: nothing traps and nothing succeeds.
struct SASLMutationTests {
    static let mechanisms: [SASLMechanism] = [
        .scram(.sha1, channelBinding: true), .scram(.sha256, channelBinding: false),
    ]
    let server = SASLTestServer()

    /// The outcome when message `number` is replaced, decoded; the server must not have let the client in.
    private func expectFailure(_ mechanism: SASLMechanism, _ number: Int, _ change: ([UInt8]) -> [UInt8]) throws {
        let client = try server.client(mechanism: mechanism)
        var original: [UInt8] = []
        var changed: [UInt8] = []
        let outcome = server.run(client) { index, text in
            guard index == number, let message = Base64.decode(text) else { return text }
            original = message
            changed = change(message)
            return Base64.encode(changed)
        }
        guard changed != original else { return }
        if case .succeeded = outcome {
            Issue.record("succeeded with message \(number) changed to \(String(decoding: changed, as: UTF8.self))")
        }
    }

    private func length(_ mechanism: SASLMechanism, _ number: Int) throws -> Int {
        var length = 0
        _ = server.run(try server.client(mechanism: mechanism)) { index, text in
            if index == number { length = Base64.decode(text)?.count ?? 0 }
            return text
        }
        return length
    }

    @Test(arguments: mechanisms, 0...3) func everyFlippedByte(mechanism: SASLMechanism, number: Int) throws {
        for position in 0..<(try length(mechanism, number)) {
            for mask: UInt8 in [0x01, 0x20, 0x80] {
                try expectFailure(mechanism, number) { message in
                    var message = message
                    message[position] ^= mask
                    return message
                }
            }
        }
    }

    @Test(arguments: mechanisms, 0...3) func everyTruncation(mechanism: SASLMechanism, number: Int) throws {
        for count in 0..<(try length(mechanism, number)) {
            try expectFailure(mechanism, number) { Array($0.prefix(count)) }
            try expectFailure(mechanism, number) { Array($0.suffix(count)) }
        }
    }

    @Test(arguments: mechanisms, 0...3) func everyInsertion(mechanism: SASLMechanism, number: Int) throws {
        for position in 0...(try length(mechanism, number)) {
            for byte in Array("\0,=m\u{1E}".utf8) {
                try expectFailure(mechanism, number) { Array($0.prefix(position) + [byte] + $0.dropFirst(position)) }
            }
        }
    }

    /// One wrong character of Base 64 as well as one too few.
    @Test(arguments: mechanisms, [0, 2]) func everyChangedCharacterOfTheText(
        mechanism: SASLMechanism, number: Int
    ) throws {
        var size = 0
        _ = server.run(try server.client(mechanism: mechanism)) { index, text in
            if index == number { size = text.count }
            return text
        }
        for position in 0..<size {
            let changes: [([UInt8]) -> [UInt8]] = [
                { Array($0.prefix(position)) },
                { $0.enumerated().map { $0 == position ? $1 ^ 1 : $1 } },
            ]
            for change in changes {
                let outcome = server.run(try server.client(mechanism: mechanism)) { $0 == number ? change($1) : $1 }
                if case .succeeded = outcome { Issue.record("succeeded with character \(position) changed") }
            }
        }
    }

    @Test func plainAsksOnlyForWhatWasSent() {
        let message = Array("\0juliet\0r0m30myr0m30".utf8)
        for position in message.indices {
            for mask in UInt8(1)...255 {
                var changed = message
                changed[position] ^= mask
                var exchange = server.exchange
                #expect(server.auth("PLAIN", changed, &exchange).success == nil)
            }
            var exchange = server.exchange
            #expect(server.auth("PLAIN", Array(message.prefix(position)), &exchange).success == nil)
        }
    }

    @Test func noiseNeverSucceeds() {
        var generator = Noise()
        let words = [
            "n", "y", "p=tls-exporter", ",", ",,", "a=", "n=", "juliet", "r=", "=2C", "c=", "biws", "p=", "\0", "é", "m=x",
        ]
        for _ in 0..<3_000 {
            var exchange = server.exchange
            let mechanism = SASLMechanism.byPreference.randomElement(using: &generator) ?? .plain
            var action = server.auth(mechanism.name, nil, &exchange)
            for _ in 0..<3 {
                let message = (0..<Int.random(in: 0...8, using: &generator)).compactMap { _ in
                    words.randomElement(using: &generator)
                }
                #expect(action.success == nil)
                action = server.response(Array(message.joined().utf8), &exchange)
            }
            #expect(action.success == nil)
        }
    }
}

/// Random numbers that are the same in every run (Knuth's MMIX generator).
private struct Noise: RandomNumberGenerator {
    private var state: UInt64 = 5802

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}
