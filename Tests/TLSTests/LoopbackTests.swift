/// Real sockets, and OpenSSL's own client and server as the peer.

import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import TLS

struct LoopbackTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    /// Listens on a free port with `handlers` behind TLS on each connection.
    private func listen(
        _ identities: TLSIdentities, protocols: ApplicationProtocols = [], halfClosure: Bool = false,
        _ handlers: @escaping @Sendable () -> any ChannelHandler
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .childChannelOption(.allowRemoteHalfClosure, value: halfClosure)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TLSHandler(server: identities, protocols: protocols))
                    try channel.pipeline.syncOperations.addHandler(handlers())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    private func connect(
        _ port: Int?, _ context: TLSContext, halfClosure: Bool = false,
        _ handlers: @escaping @Sendable () -> any ChannelHandler
    ) async throws -> any Channel {
        try await ClientBootstrap(group: group)
            .channelOption(.allowRemoteHalfClosure, value: halfClosure)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TLSHandler(client: context, serverName: "localhost"))
                    try channel.pipeline.syncOperations.addHandler(handlers())
                }
            }
            .connect(host: "127.0.0.1", port: #require(port)).get()
    }

    private func blocking<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await NIOThreadPool.singleton.runIfActive(work)
    }

    @Test func manyConnectionsEchoAtOnce() async throws {
        let serverContext = try Fixture.server(["localhost"])
        let clientContext = try Fixture.client(trusting: serverContext.certifiedKey)
        let listener = try await listen(TLSIdentities(fallback: serverContext)) { Echo() }
        let port = listener.localAddress?.port
        try await withThrowingTaskGroup { tasks in
            for _ in 0..<40 {
                tasks.addTask {
                    let payload = ByteBuffer(bytes: randomBytes(200_000))
                    let done = group.any().makePromise(of: ByteBuffer.self)
                    let channel = try await connect(port, clientContext) { Collect(until: payload.readableBytes, done) }
                    var rest = payload
                    while let piece = rest.readSlice(length: min(rest.readableBytes, Int.random(in: 1...9_000))),
                        piece.readableBytes > 0
                    {
                        channel.write(piece, promise: nil)
                        if Bool.random() { channel.flush() }
                    }
                    channel.flush()
                    let echoed = try await done.futureResult.get()
                    #expect(echoed == payload)
                    try await channel.close().get()
                }
            }
            try await tasks.waitForAll()
        }
        try await listener.close().get()
        // The server's ends close when they have read the clients' ends.
        while serverContext.connections + clientContext.connections > 0 { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// What is read together with the end of a handshake is also flushed.
    @Test func aStormThroughTheNarrowestGate() async throws {
        let identities = try Fixture.identities
        let context = try Fixture.client()
        let loop = group.next()
        let gate = try await loop.submit { NIOLoopBound(HandshakeGate(eventLoop: loop, limit: 1), eventLoop: loop) }
            .get()
        let listener = try await ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(
                        TLSHandler(server: identities, gate: gate.value), Echo())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = listener.localAddress?.port
        try await withThrowingTaskGroup { tasks in
            for _ in 0..<30 {
                tasks.addTask {
                    let done = group.any().makePromise(of: ByteBuffer.self)
                    let channel = try await connect(port, context) { Collect(until: 5, done) }
                    channel.writeAndFlush(ByteBuffer(string: "hello"), promise: nil)
                    #expect(try await String(buffer: done.futureResult.get()) == "hello")
                    try await channel.close().get()
                }
            }
            try await tasks.waitForAll()
        }
        try await listener.close().get()
    }

    /// Nothing is lost when a channel is closed while its socket is full.
    @Test func closingSendsWhatWasWritten() async throws {
        let context = try Fixture.server()
        let listener = try await listen(TLSIdentities(fallback: context)) { Burst(bytes: 20_000_000) }
        let done = group.any().makePromise(of: ByteBuffer.self)
        let channel = try await connect(listener.localAddress?.port, Fixture.client()) { Collect(until: .max, done) }
        let received = try await done.futureResult.get()
        #expect(received.readableBytes == 20_000_000)
        try await channel.closeFuture.get()
        try await listener.close().get()
    }

    @Test func theOwnDirectionMayEndFirst() async throws {
        let listener = try await listen(Fixture.identities, halfClosure: true) { AnswerAtEnd() }
        let done = group.any().makePromise(of: ByteBuffer.self)
        let channel = try await connect(listener.localAddress?.port, Fixture.client(), halfClosure: true) {
            Collect(until: .max, done)
        }
        // Written means: after the handshake.
        try await channel.writeAndFlush(ByteBuffer(string: "request")).get()
        try await channel.close(mode: .output).get()
        let answer = try await done.futureResult.get()
        #expect(String(buffer: answer) == "request was read to its end")
        await #expect(throws: ChannelError.self) { try await channel.writeAndFlush(ByteBuffer(string: "late")).get() }
        try await channel.closeFuture.get()
        try await listener.close().get()
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func theClientOfOpenSSL(version: String) async throws {
        let folder = try TemporaryFolder()
        try folder.write("ca.pem", Fixture.selfSigned.get().certificatePEM)
        let resumed = Resumptions()
        let listener = try await listen(Fixture.identities, protocols: ["xmpp-client"]) { UppercaseLine(resumed) }
        let port = try #require(listener.localAddress?.port)
        let common = [
            "s_client", "-connect", "127.0.0.1:\(port)", "-servername", "example.test", "-verify_hostname",
            "example.test", "-CAfile", "ca.pem", "-verify_return_error", version,
        ]
        let first = try await blocking {
            try folder.openssl(common + ["-alpn", "xmpp-client", "-quiet", "-sess_out", "session"], input: "hello\n")
        }
        #expect(first.contains("HELLO\n"))
        let second = try await blocking {
            try folder.openssl(common + ["-alpn", "xmpp-client", "-quiet", "-sess_in", "session"], input: "again\n")
        }
        #expect(second.contains("AGAIN\n"))
        #expect(resumed.all == [false, true])
        await #expect(throws: TemporaryFolder.OpenSSLFailed.self) {
            try await blocking { try folder.openssl(common + ["-alpn", "xmpp-server", "-quiet"], input: "no\n") }
        }
        try await listener.close().get()
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func theServerOfOpenSSL(version: String) async throws {
        let folder = try TemporaryFolder()
        try Fixture.selfSigned.get().write(certificateFile: folder.path("cert.pem"), keyFile: folder.path("key.pem"))
        let server = Process()
        let output = Pipe()
        server.executableURL = URL(filePath: "/usr/bin/env")
        server.arguments = [
            "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", folder.path("cert.pem"), "-key",
            folder.path("key.pem"), "-rev", "-naccept", "1", version,
        ]
        server.standardInput = FileHandle.nullDevice
        server.standardOutput = output
        server.standardError = FileHandle.nullDevice
        try server.run()
        defer { server.terminate() }
        let port: Int? = try await blocking {
            var said = ""
            while !said.contains("\n") || !said.contains("ACCEPT") {
                let data = output.fileHandleForReading.availableData
                if data.isEmpty { return nil }
                said += String(decoding: data, as: UTF8.self)
            }
            let line = said.split(separator: "\n").first { $0.hasPrefix("ACCEPT") }
            return line?.split(separator: ":").last.flatMap { Int($0) }
        }
        let done = group.any().makePromise(of: ByteBuffer.self)
        let channel = try await connect(port, Fixture.client()) { Collect(until: 6, done) }
        channel.writeAndFlush(ByteBuffer(string: "hello\n"), promise: nil)
        let answer = try await done.futureResult.get()
        #expect(String(buffer: answer) == "olleh\n")
        try await channel.close().get()
        try await blocking { server.waitUntilExit() }
        #expect(server.terminationStatus == 0)
    }
}
