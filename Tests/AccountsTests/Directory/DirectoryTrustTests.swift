import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import Accounts

/// Which servers are believed, and what the administrator is told about the others.
@Suite struct DirectoryTrustTests {
    /// The one sentence about the only server; log-ins must be unavailable then.
    private func complaint(_ configuration: DirectoryConfiguration) async throws -> String {
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.verify("pw-alice", "alice").isUnavailable)
            let checks = await accounts.check()
            #expect(checks.map(\.isUsable) == [false])
            return checks.first?.sentence ?? ""
        }
    }

    @Test(arguments: [false, true]) func aGoodServerIsUsable(_ ldaps: Bool) async throws {
        let directory = try await TestDirectory.shared.value
        var configuration = directory.configuration
        configuration.servers = [ldaps ? directory.ldaps : directory.ldap]
        try await withAccounts(configuration) { accounts in
            let checks = await accounts.check()
            #expect(
                checks == [
                    DirectoryCheck(
                        server: configuration.servers[0], isUsable: true,
                        sentence: "connection, TLS, service account and search work")
                ])
        }
        // The certificate has this name, too.
        configuration.servers = configuration.servers.map { $0.replacing("127.0.0.1", with: "localhost") }
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.verify("pw-grace", "grace") == .accepted)
        }
    }

    @Test(arguments: [false, true]) func anotherAuthorityIsRefused(_ ldaps: Bool) async throws {
        let directory = try await TestDirectory.shared.value
        var configuration = directory.configuration
        configuration.servers = [ldaps ? directory.ldaps : directory.ldap]
        configuration.authorities = directory.otherAuthorities
        #expect(try await complaint(configuration).hasSuffix("name the file of its authority as ca"))
        configuration.authorities = nil
        #expect(try await complaint(configuration).hasSuffix("name the file of its authority as ca"))
    }

    @Test(arguments: [false, true]) func anotherNameIsRefused(_ ldaps: Bool) async throws {
        let directory = try await TestDirectory.wrongHost.value
        var configuration = directory.configuration
        configuration.servers = [ldaps ? directory.ldaps : directory.ldap]
        let complaint = try await complaint(configuration)
        #expect(complaint.contains("127.0.0.1"))
        #expect(complaint.hasSuffix("write a name that the certificate has into servers"))
    }

    @Test(arguments: [false, true]) func anExpiredCertificateIsRefused(_ ldaps: Bool) async throws {
        let directory = try await TestDirectory.expired.value
        var configuration = directory.configuration
        configuration.servers = [ldaps ? directory.ldaps : directory.ldap]
        #expect(try await complaint(configuration).contains("expired"))
    }

    @Test func theWrongKindOfPortIsExplained() async throws {
        let directory = try await TestDirectory.shared.value
        var configuration = directory.configuration
        configuration.servers = [directory.ldap.replacing("ldap:", with: "ldaps:")]
        _ = try await complaint(configuration)
        configuration.servers = [directory.ldaps.replacing("ldaps:", with: "ldap:")]
        configuration.timeouts.tls = .seconds(1)
        _ = try await complaint(configuration)
    }

    @Test func nothingListening() async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        configuration.servers = ["ldap://127.0.0.1:1"]
        let complaint = try await complaint(configuration)
        #expect(complaint == "connection refused; start the server, or correct its address in servers")
    }

    @Test func inClearOnThisMachine() async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        configuration.security = DirectoryConfiguration.Security.none
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.verify("pw-heidi", "heidi") == .accepted)
        }
    }

    @Test func theBaseAndTheFilterAreTried() async throws {
        var configuration = try await TestDirectory.shared.value.configuration
        configuration.base = "ou=nowhere,dc=example,dc=test"
        #expect(try await complaint(configuration).contains("correct base"))
        configuration.base = TestDirectory.people
        configuration.filter = "(|(uid={user})(uid=bob))"
        try await withAccounts(configuration) { accounts in
            #expect(await accounts.check().first?.isUsable == false)
            #expect(await accounts.verify("pw-bob", "nobody.at.all") == .unknown)
        }
    }

    /// What arrives in clear behind the answer to StartTLS could be believed later as an answer to the bind.
    @Test func answersInsertedBeforeTLSAreRefused() async throws {
        let accepted: [UInt8] = [0x30, 0x0C, 0x02, 0x01, 0x01, 0x78, 0x07, 0x0A, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00]
        let bound: [UInt8] = [0x30, 0x0C, 0x02, 0x01, 0x01, 0x61, 0x07, 0x0A, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00]
        for answer in [
            accepted + bound, bound, [0x15, 0x03, 0x01], Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), [],
        ] {
            let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(CannedAnswer(ByteBuffer(bytes: answer)))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            var configuration = try await TestDirectory.shared.value.configuration
            configuration.servers = ["ldap://127.0.0.1:\(listener.localAddress?.port ?? 0)"]
            configuration.timeouts.tls = .seconds(1)
            _ = try await complaint(configuration)
            try await listener.close()
        }
    }

    /// Answers whatever comes first with fixed bytes.
    private final class CannedAnswer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private var answer: ByteBuffer?

        init(_ answer: ByteBuffer) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard let answer else { return }
            self.answer = nil
            context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        }
    }
}
