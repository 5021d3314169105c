import NIOCore
import NIOEmbedded
import Replay
import Server

/// Connects to the listeners of a server in the same process, without sockets.
struct MemoryTransport: Transport {
    let loop: NIOAsyncTestingEventLoop
    let listeners: [Destination.Listener: Listener]

    private struct NoListener: Error {}

    func connect(to destination: Destination) async throws -> any Connection {
        guard let listener = listeners[destination.listener] else { throw NoListener() }
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 50_000)
        return try await loop.submit { [loop] in
            let (client, server) = (NIOAsyncTestingChannel(loop: loop), NIOAsyncTestingChannel(loop: loop))
            let (near, far) = Wire.pair()
            let received = Mailbox()
            try client.pipeline.syncOperations.addHandlers(near, MailboxHandler(received))
            try server.pipeline.syncOperations.addHandler(far)
            server.remoteAddress = address
            server.allowRemoteHalfClosure = true
            do {
                try listener.accept(server)
                server.connect(to: address, promise: nil)
            } catch {
                server.close(promise: nil)
            }
            client.connect(to: address, promise: nil)
            return ChannelConnection(client, received)
        }.get()
    }

    func pass(_ time: Duration) async throws { await loop.advanceTime(by: TimeAmount(time)) }
}
