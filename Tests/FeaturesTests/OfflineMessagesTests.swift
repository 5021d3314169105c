import Dispatch
import Features
import Server
import Storage
import Testing

@Suite(.timeLimit(.minutes(1)))
struct OfflineMessagesTests {
    /// Whoever comes while a message is being written does not miss it.
    @Test func messageOnItsWayToTheDisk() async throws {
        try await TestServer.run(further: [OfflineMessages.self]) { server in
            let sender = try await server.connect(1, "desk")
            let receiver = try await server.connect(2, "desk")
            let disk = DispatchSemaphore(value: 0)
            defer { disk.signal() }
            server.kernel.database.write { _ in disk.wait() } completion: { _ in }
            sender.send("<message to='user2@localhost' type='chat' id='m1'><body>Hi</body></message>")
            await sender.ping()
            receiver.send("<presence/>")
            await receiver.ping()
            for _ in 0..<20 { try await server.kernel.database.read { _ in } }
            disk.signal()
            var isThere = false
            for _ in 0..<5_000 where !isThere {
                await receiver.ping()
                isThere = receiver.take().contains { $0.id == "m1" }
            }
            #expect(isThere)
        }
    }
}
