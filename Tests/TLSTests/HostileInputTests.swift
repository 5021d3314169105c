/// Input that is no TLS, broken TLS, or too much of it.

import COpenSSL
import NIOCore
import NIOEmbedded
import Testing

@testable import TLS

struct HostileInputTests {
    private func server() throws -> Joined.End {
        let end = try Joined.End(EmbeddedEventLoop(), TLSHandler(server: Fixture.identities))
        try end.connect()
        return end
    }

    @Test func clearTextStream() throws {
        let end = try server()
        end.receive(ByteBuffer(string: "<?xml version='1.0'?><stream:stream to='example.test'>"))
        #expect(end.recorder.errors.map(\.kind) == [.notTLS])
        #expect(!end.channel.isActive)
        #expect(end.tls.handshake == .failed(end.recorder.errors[0]))
    }

    @Test func clearTextHTTP() throws {
        let end = try server()
        end.receive(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: example.test\r\n\r\n"))
        #expect(end.recorder.errors.map(\.kind) == [.notTLS])
        #expect(end.recorder.errors.first?.description.contains("HTTP") == true)
    }

    @Test func randomBytesEndTheConnection() throws {
        for seed in 0..<200 {
            let end = try server()
            var bytes = TLS.randomBytes(4096)
            if seed % 2 == 0 { bytes.replaceSubrange(0..<3, with: [22, 3, 1]) }
            end.receive(ByteBuffer(bytes: bytes))
            if end.channel.isActive {
                // An incomplete record: the rest never comes.
                end.channel.pipeline.fireChannelInactive()
            }
            #expect(end.recorder.errors.count == 1)
        }
    }

    /// Every byte of a handshake flipped in turn: an error or success, never a trap, and no data that was not sent.
    @Test func flippedBytes() throws {
        for position in stride(from: 0, to: 1500, by: 7) {
            let joined = try Joined()
            joined.client.send("secret")
            var carried = 0
            for _ in 0..<8 {
                for (source, target) in [(joined.client, joined.server), (joined.server, joined.client)] {
                    var bytes = try source.takeOutbound()
                    let offset = position - carried
                    carried += bytes.readableBytes
                    if offset >= 0, offset < bytes.readableBytes {
                        let index = bytes.readerIndex + offset
                        bytes.setInteger((bytes.getInteger(at: index) ?? UInt8(0)) ^ 0x41, at: index)
                    }
                    if bytes.readableBytes > 0, target.channel.isActive { target.receive(bytes) }
                }
            }
            #expect("secret".hasPrefix(joined.server.recorder.text))
        }
    }

    @Test func aBadRecordAfterGoodOnes() throws {
        let joined = try Joined()
        try joined.run()
        joined.client.send("good")
        var bytes = try joined.client.takeOutbound()
        bytes.writeBytes([23, 3, 3, 0, 20] + [UInt8](repeating: 7, count: 20))
        joined.server.receive(bytes)
        #expect(joined.server.recorder.text == "good")
        #expect(joined.server.recorder.errors.map(\.kind) == [.protocolViolation])
        #expect(!joined.server.channel.isActive)
        try joined.run()
        #expect(joined.client.recorder.errors.map(\.kind) == [.refusedByPeer(alert: 20)])
    }

    @Test func anEndlessClientHelloIsRefused() throws {
        let end = try server()
        // Records of a handshake message that claims 16 MB.
        var sent = 0
        var first = true
        while end.channel.isActive, sent < 1 << 20 {
            var record = ByteBuffer(bytes: [22, 3, 1, 0x40, 0])
            var body = [UInt8](repeating: 0, count: 0x4000)
            if first { body.replaceSubrange(0..<4, with: [1, 0xFF, 0xFF, 0xFF]) }
            first = false
            record.writeBytes(body)
            sent += record.readableBytes
            end.receive(record)
        }
        #expect(!end.channel.isActive)
        #expect(end.recorder.errors.count == 1)
    }

    /// Each key update asks for an answer (RFC 8446 section 4.6.3); who does not read them must not fill the memory.
    @Test func anEndlessRowOfKeyUpdates() throws {
        let joined = try Joined()
        try joined.run()
        let client = try #require(joined.client.tls.connection)
        joined.server.channel.isWritable = false
        var sent = 0
        while joined.server.channel.isActive, sent < 10_000 {
            SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED)
            #expect(SSL_do_handshake(client.ssl) == 1)
            joined.server.receive(client.takeOutput())
            sent += 1
        }
        #expect(!joined.server.channel.isActive)
        #expect(joined.server.recorder.errors.map(\.kind) == [.protocolViolation])
    }

    /// RFC 6120 section 5.3.5: "it MUST immediately close the underlying TCP connection".
    @Test func renegotiationEndsTheConnection() throws {
        let joined = try Joined(maximumVersion: .tls12)
        try joined.run()
        let client = try #require(joined.client.tls.connection)
        SSL_clear_options(client.ssl, COpenSSL_SSL_OP_NO_RENEGOTIATION)
        #expect(SSL_renegotiate(client.ssl) == 1)
        SSL_do_handshake(client.ssl)
        joined.server.receive(client.takeOutput())
        #expect(!joined.server.channel.isActive)
        #expect(joined.server.recorder.errors.map(\.kind) == [.protocolViolation])
    }

    @Test func inputAfterTheFailureIsIgnored() throws {
        let end = try server()
        end.receive(ByteBuffer(string: "no TLS at all"))
        end.receive(ByteBuffer(string: "and more"))
        #expect(end.recorder.errors.count == 1)
    }
}
