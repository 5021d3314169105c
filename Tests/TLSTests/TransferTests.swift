/// Application data in both directions, in every kind of piece.

import NIOCore
import NIOEmbedded
import Testing

@testable import TLS

struct TransferTests {
    private func random(_ count: Int) -> ByteBuffer {
        ByteBuffer(bytes: randomBytes(count))
    }

    @Test(arguments: [TLSVersion.tls12, .tls13], [1, 2, 3])
    func randomPiecesAndFlushes(version: TLSVersion, seed: UInt32) throws {
        let joined = try Joined(maximumVersion: version)
        var state = seed
        func number(upTo limit: Int) -> Int {
            state = state &* 1_664_525 &+ 1_013_904_223
            return 1 + Int(state >> 8) % limit
        }
        let sent = [random(400_000), random(300_000)]
        var rest = sent
        while rest.contains(where: { $0.readableBytes > 0 }) {
            for (index, end) in [joined.client, joined.server].enumerated() {
                let size = number(upTo: 4) == 1 ? number(upTo: 40_000) : number(upTo: 600)
                if let piece = rest[index].readSlice(length: min(size, rest[index].readableBytes)) {
                    end.channel.write(piece, promise: nil)
                }
                if number(upTo: 3) == 1 { end.channel.flush() }
            }
            joined.pieceSize = number(upTo: 5_000)
            if number(upTo: 4) == 1 { try joined.run() }
        }
        joined.client.channel.flush()
        joined.server.channel.flush()
        try joined.run()
        #expect(joined.server.recorder.received == sent[0])
        #expect(joined.client.recorder.received == sent[1])
        #expect(joined.client.recorder.errors.isEmpty && joined.server.recorder.errors.isEmpty)
    }

    @Test func oneLargeWrite() throws {
        let joined = try Joined()
        let bytes = random(5_000_001)
        joined.client.channel.writeAndFlush(bytes, promise: nil)
        try joined.run()
        #expect(joined.server.recorder.received == bytes)
    }

    @Test func smallWritesShareOneRecordAndOneWrite() throws {
        let joined = try Joined()
        try joined.run()
        for _ in 0..<10 { joined.client.send("0123456789", flush: false) }
        #expect(try joined.client.channel.readOutbound(as: ByteBuffer.self) == nil)
        joined.client.channel.flush()
        let record = try #require(try joined.client.channel.readOutbound(as: ByteBuffer.self))
        #expect(try joined.client.channel.readOutbound(as: ByteBuffer.self) == nil)
        #expect(record.readableBytes == 5 + 100 + 1 + 16)
        joined.server.receive(record)
        #expect(joined.server.recorder.reads == 1)
        #expect(joined.server.recorder.received.readableBytes == 100)
    }

    @Test func muchUnflushedDataReachesTheChannel() throws {
        let joined = try Joined()
        try joined.run()
        let pending = joined.client.channel
        for _ in 0..<300 { pending.write(random(300), promise: nil) }
        pending.flush()
        try joined.run()
        #expect(joined.server.recorder.received.readableBytes == 90_000)
    }

    @Test func promisesFollowTheWrite() throws {
        let joined = try Joined()
        let early = joined.client.channel.write(ByteBuffer(string: "a"))
        var done = 0
        early.assumeIsolated().whenSuccess { done += 1 }
        try joined.run()
        #expect(done == 0)
        for text in ["b", "c", ""] {
            joined.client.channel.write(ByteBuffer(string: text)).assumeIsolated().whenSuccess { done += 1 }
        }
        #expect(done == 0)
        joined.client.channel.flush()
        #expect(done == 4)
        try joined.run()
        #expect(joined.server.recorder.text == "abc")
    }

    @Test func anEmptyWriteAlone() throws {
        let joined = try Joined()
        try joined.run()
        try joined.client.channel.writeAndFlush(ByteBuffer()).wait()
        joined.client.send("x")
        try joined.run()
        #expect(joined.server.recorder.text == "x")
    }

    /// A reader that asks for one read at a time gets its data although records without data come in between.
    @Test func readsWithoutAutoReadAreSatisfied() throws {
        let joined = try Joined()
        final class Reads: ChannelOutboundHandler {
            typealias OutboundIn = ByteBuffer
            var count = 0
            func read(context: ChannelHandlerContext) {
                count += 1
                context.read()
            }
        }
        let reads = Reads()
        try joined.client.channel.pipeline.syncOperations.addHandler(reads, position: .first)
        try joined.run()
        // TLS 1.3: the server's ticket is a record without application data.
        joined.client.channel.read()
        let before = reads.count
        joined.client.channel.pipeline.fireChannelReadComplete()
        #expect(reads.count == before + 1)
        joined.server.send("data")
        try joined.run()
        let after = reads.count
        joined.client.channel.pipeline.fireChannelReadComplete()
        #expect(reads.count == after)
        #expect(joined.client.recorder.text == "data")
    }

    /// AES-GCM wears out; the key is updated on the way (RFC 8446 section 4.6.3).
    @Test func keysAreUpdated() throws {
        let table = try Fixture.identities.table
        let server = try SSLConnection(
            server: TLSServerParameters(
                identities: table, protocols: [], clientCertificates: .ignored, fallbackName: nil), recordsPerKey: 3)
        let client = try SSLConnection(
            client: TLSClientParameters(
                context: Fixture.client(), serverName: "example.test", protocols: [], policy: .required, session: nil),
            recordsPerKey: 2)
        _ = client.start()
        while !(client.isEstablished && server.isEstablished) {
            _ = server.receive(client.takeOutput())
            _ = client.receive(server.takeOutput())
        }
        for number in 0..<20 {
            try client.encrypt(ByteBuffer(string: "to server \(number)"))
            try server.encrypt(ByteBuffer(string: "to client \(number)"))
            #expect(server.receive(client.takeOutput()).plaintext == ByteBuffer(string: "to server \(number)"))
            #expect(client.receive(server.takeOutput()).plaintext == ByteBuffer(string: "to client \(number)"))
        }
    }
}
