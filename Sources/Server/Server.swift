package import Accounts
package import Logging
package import NIOCore
internal import NIOPosix
package import Storage
internal import Synchronization
internal import TLS
package import XMPP

/// A running server: database, features, event loops and listeners, put together in the order in which they start.
package final class Server: Sendable {
    package let kernel: Kernel
    /// What the configuration listens on, in its order.
    package let listeners: [Listener]
    private let group: any EventLoopGroup
    /// Those of each listener.
    private let channels: [[any Channel]]
    private let clock: RepeatedTask
    private let leavers: Leavers
    private let isStopped = Atomic<Bool>(false)
    private let sources: AccountSources

    /// Every table of the server: the accounts' and the features'.
    package static func migrations(of features: [any Feature.Type]) -> [Migration] {
        AccountTables.migrations + Restart.migrations + features.flatMap { $0.migrations }
    }

    /// Every setting that a configuration file may have.
    package static func settings(of features: [any Feature.Type]) -> [AnySetting] {
        [AnySetting(Binding.conflictPolicy), AnySetting(Binding.sessionsPerAccount)] + StreamManagement.settings
            + [AnySetting(ClientState.isSaving)] + FastAuthentication.settings + features.flatMap { $0.settings }
    }

    /// Opens everything and begins to accept connections.
    /// - Parameter loops: how many event loops serve connections.
    /// - Throws: errors whose descriptions are lines for the administrator.
    package convenience init(
        configuration: Configuration, features: [any Feature.Type], logger: Logger, loops: Int = System.coreCount
    ) async throws {
        try await self.init(
            configuration: configuration, features: features, logger: logger,
            on: MultiThreadedEventLoopGroup(numberOfThreads: loops))
    }

    /// Opens everything.
    /// - Parameters:
    ///   - group: the event loops that serve connections; `stop` shuts them down.
    ///   - wall: tells the date.
    ///   - opensPorts: without ports, connections are brought to the `listeners` by whoever has some.
    /// - Throws: errors whose descriptions are lines for the administrator.
    package init(
        configuration: Configuration, features: [any Feature.Type], logger: Logger, on group: any EventLoopGroup,
        wall: @escaping @Sendable () -> DateTime = { .now }, opensPorts: Bool = true
    ) async throws {
        let database = try Database.open(
            directory: configuration.data, role: .server, migrations: Self.migrations(of: features))
        let archive = try MonthlyArchive(directory: configuration.data) { wall().milliseconds }
        let identities = try Certificates(configuration, logger: logger).identities()
        self.group = group
        do {
            sources = try await AccountSources(configuration, database: database, group: group, logger: logger)
            let secret = try await ServerSecret.named("tokens", database)
            let domains = try configuration.domains.map { [sources] section in
                Domain(
                    jid: try JID(section.name), credentials: sources.credentials(of: section), movedTo: section.movedTo
                ) { FastAuthentication.tokens(of: $0, configuration, secret: secret) }
            }
            for domain in domains { try await domain.local?.loadOldKeys() }
            kernel = try await Kernel(
                configuration: configuration, logger: logger, database: database, archive: archive,
                identities: identities, secret: secret, domains: domains, group: group, features: features, wall: wall)
            try await Restart(kernel: kernel).restore()
            listeners = configuration.listeners.map { [kernel] in Listener($0, kernel: kernel) }
            var channels: [[any Channel]] = []
            for listener in listeners where opensPorts { channels.append(try await listener.open(on: group)) }
            self.channels = channels
        } catch {
            try? await group.shutdownGracefully()
            archive.close()
            database.close()
            throw error
        }
        let leavers: Leavers = kernel.leavers
        let memory = MemoryTrimming()
        let chores = Chores(kernel.registry.chores)
        self.leavers = leavers
        clock = kernel.loops[0].eventLoop.scheduleRepeatedTask(initialDelay: .seconds(2), delay: .seconds(2)) {
            [kernel, leavers, memory, chores] _ in
            Task {
                await leavers.look()
                withExtendedLifetime(kernel) {}
            }
            chores.look(kernel.clock.instant, kernel)
            for loop in kernel.loops { loop.execute { $0.checkTime() } }
            kernel.accounts.sweep(olderThan: kernel.clock.now - .minutes(5))
            memory.look(changes: kernel.changes)
        }
    }

    /// The accounts of a domain that are kept in the server's own database.
    package func localAccounts(of domain: String) throws -> LocalAccounts? {
        kernel.domain(try JID(domain))?.local
    }

    /// The ports listened on, in the order of the configuration.
    package var ports: [Int] { channels.map { $0.first?.localAddress?.port ?? 0 } }

    /// Takes over what of the configuration can change while the server runs: limits and certificates.
    /// - Throws: a line for the administrator; nothing has changed then.
    package func reload(_ configuration: Configuration) throws {
        try Certificates(configuration, logger: kernel.logger).renew(kernel.identities)
        kernel.reload(configuration)
    }

    /// Accepts nothing more, ends all streams, writes what is to be written, and closes everything.
    package func stop() async {
        guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        for channel in channels.joined() { try? await channel.close() }
        clock.cancel()
        for loop in kernel.loops { loop.execute { loop in loop.kernel.registry.stopping.forEach { $0(loop) } } }
        // What has been sent from one loop to another then is there.
        for _ in 0..<2 { for loop in kernel.loops { try? await loop.eventLoop.submit {}.get() } }
        for loop in kernel.loops { loop.execute { $0.closeUnmanaged(StreamError(.systemShutdown)) } }
        await streamsEnd { $0.session?.management?.resumption == nil }
        await Restart(kernel: kernel).save()
        for loop in kernel.loops { loop.execute { $0.closeAll(StreamError(.systemShutdown)) } }
        await streamsEnd { _ in true }
        await sources.close()
        try? await group.shutdownGracefully()
        kernel.archive.close()
        kernel.database.close()
    }

    /// Waits a moment for streams to end.
    private func streamsEnd(where isMeant: @escaping @Sendable (StreamHandler) -> Bool) async {
        // Peers get a moment to answer the end of their streams.
        let patience = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < patience {
            var open = 0
            for loop in kernel.loops { open += (try? await loop.eventLoop.submit { loop.current.streams.values.count(where: isMeant) }.get()) ?? 0 }
            if open == 0 { break }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}
