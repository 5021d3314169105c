import NIOCore
import Testing

@testable import XMPP

/// What waits for a client's acknowledgement (XEP-0198 §4).
@Suite struct UnacknowledgedStanzasTests {
    private static func filled(_ count: Int, from first: UInt32 = 0) throws -> UnacknowledgedStanzas {
        var stanzas = UnacknowledgedStanzas(acknowledged: first)
        for number in 0..<count {
            let bytes = stanzas.append(at: DateTime(milliseconds: Int64(number))) { $0.writeString("<m id='\(number)'/>") }
            #expect(String(buffer: bytes) == "<m id='\(number)'/>")
        }
        return stanzas
    }

    @Test func whatIsAcknowledgedIsForgotten() throws {
        var stanzas = try Self.filled(5)
        try stanzas.acknowledge(2)
        #expect(stanzas.count == 3)
        #expect(String(buffer: stanzas.all) == "<m id='2'/><m id='3'/><m id='4'/>")
        #expect(stanzas.each.map { String(buffer: $0.stanza) } == ["<m id='2'/>", "<m id='3'/>", "<m id='4'/>"])
        #expect(stanzas.each.map(\.sent.milliseconds) == [2, 3, 4])
        try stanzas.acknowledge(2)
        #expect(stanzas.count == 3)
        try stanzas.acknowledge(5)
        #expect(stanzas.isEmpty && stanzas.byteCount == 0)
    }

    @Test func moreThanWasSentIsNotAcknowledged() throws {
        var stanzas = try Self.filled(2)
        #expect(throws: UnacknowledgedStanzas.TooMany(acknowledged: 3, sent: 2)) { try stanzas.acknowledge(3) }
        try stanzas.acknowledge(1)
        // Less than before is more than ever, for the count goes round.
        #expect(throws: UnacknowledgedStanzas.TooMany(acknowledged: 0, sent: 2)) { try stanzas.acknowledge(0) }
    }

    /// §4: "the value of 'h' SHALL be reset from 2^32-1 back to zero".
    @Test func theCountGoesRound() throws {
        var stanzas = try Self.filled(4, from: .max - 1)
        #expect(stanzas.sent == 2)
        try stanzas.acknowledge(.max)
        #expect(stanzas.count == 3)
        try stanzas.acknowledge(0)
        #expect(stanzas.count == 2)
        try stanzas.acknowledge(2)
        #expect(stanzas.isEmpty)
    }

    @Test func manyStanzasLeaveNoMemoryBehind() throws {
        var stanzas = UnacknowledgedStanzas()
        for number in 1...10_000 as ClosedRange<UInt32> {
            _ = stanzas.append(at: .now) { $0.writeRepeatingByte(UInt8(ascii: "x"), count: 1_000) }
            if number > 10 { try stanzas.acknowledge(number - 10) }
        }
        #expect(stanzas.count == 10)
        #expect(stanzas.all.storageCapacity < 100_000)
    }
}
