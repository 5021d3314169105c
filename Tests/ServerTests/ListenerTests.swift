import NIOCore
import NIOPosix
import Testing
import XMPP

@testable import Server

/// Ports, and who serves what arrives there.
@Suite(.timeLimit(.minutes(2))) struct ListenerTests {
    /// Every loop accepts connections of its own.
    @Test func connectionsAreSpread() async throws {
        try await LiveServer.run { live in
            #expect(live.server.ports.count == 1)
            var clients: [RawClient] = []
            for _ in 0..<60 { clients.append(try await live.connect()) }
            try await live.awaitStreams(60)
            for loop in live.server.kernel.loops {
                // With two loops, fewer than 5 of 60 would be one case in a hundred thousand millions.
                #expect(try await loop.eventLoop.submit { loop.current.streamCount }.get() >= 5)
            }
            for client in clients { await client.close() }
        }
    }

    /// Nobody gets a part of our connections, or we of theirs, because both would share the port.
    @Test func aPortIsNotSharedWithOthers() async throws {
        let shares = ChannelOptions.Types.SocketOption(level: .socket, name: .init(rawValue: SO_REUSEPORT))
        let group = MultiThreadedEventLoopGroup.singleton
        let other = try await ServerBootstrap(group: group).serverChannelOption(shares, value: 1)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(other.localAddress?.port)
        let error = await #expect(throws: ListenerError.self) {
            try await LiveServer.run({ $0.listeners[0].port = port }) { _ in }
        }
        #expect(error?.description.hasPrefix("cannot listen on 127.0.0.1 port \(port): ") == true)
        try await other.close().get()
        try await LiveServer.run({ $0.listeners[0].port = port }) { live in
            #expect(live.port == port)
            await #expect(throws: (any Error).self) {
                try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: port).get()
            }
            let client = try await live.logIn(1)
            try await client.ping()
            await client.close()
        }
    }
}
