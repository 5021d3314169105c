import Logging
import NIOPosix

/// One server of a directory: its kept connections, and whether it is in use.
///
/// Searches share one connection, bound as the service account; users' passwords are tried on others, never on that one.
actor DirectoryServer {
    nonisolated let address: DirectoryServerAddress
    private let plan: DirectoryPlan
    private let transport: LDAPTransport
    private let logger: Logger

    private var health = ServerHealth()
    private var prober: Task<Void, Never>?
    private var caretaker: Task<Void, Never>?

    private var searchConnection: LDAPConnection?
    private var opening: Task<Result<LDAPConnection, DirectoryFailure>, Never>?
    /// What one connection is asked at the same time; more would only wait at the server.
    private let searchSlots = Slots(100)

    private var idle: [LDAPConnection] = []
    private let bindSlots: Slots
    /// A password that the directory refused for the service account: trying it again and again would lock the account.
    private var refusedPassword: (password: [UInt8], until: ContinuousClock.Instant)?
    private var isClosed = false
    /// How many connections are being opened, and who waits for that to end.
    private var openings = 0
    private var closers: [CheckedContinuation<Void, Never>] = []

    init(_ address: DirectoryServerAddress, plan: DirectoryPlan, transport: LDAPTransport, logger: Logger) {
        self.address = address
        self.plan = plan
        self.transport = transport
        self.logger = logger
        bindSlots = Slots(plan.limits.bindConnections)
    }

    deinit {
        prober?.cancel()
        caretaker?.cancel()
        searchConnection?.close()
        for connection in idle { connection.close() }
    }

    // MARK: Searches

    /// Repeated once on a new connection if the kept one turns out to be gone.
    func search(_ search: LDAPSearch, by deadline: ContinuousClock.Instant) async throws(DirectoryFailure) -> LDAPAnswer
    {
        guard await searchSlots.take(by: deadline) else {
            throw DirectoryFailure(.timedOut, "too many searches are under way")
        }
        defer { searchSlots.give() }
        try requireUse()
        do throws(DirectoryFailure) {
            return try await searchOnce(search, by: deadline)
        } catch {
            guard error.kind == .connectionLost else { throw error }
            try requireUse()
            return try await searchOnce(search, by: deadline)
        }
    }

    private func searchOnce(_ search: LDAPSearch, by deadline: ContinuousClock.Instant) async throws(DirectoryFailure)
        -> LDAPAnswer
    {
        let connection = try await connectionForSearches()
        let answer = try await perform(.search(search), on: connection, by: deadline)
        let failure = answer.result.failure(of: "the search")
        if failure.kind == .busy { throw failure }
        return answer
    }

    private func connectionForSearches() async throws(DirectoryFailure) -> LDAPConnection {
        if let searchConnection {
            if searchConnection.isOpen { return searchConnection }
            self.searchConnection = nil
        }
        if let opening { return try await opening.value.get() }
        let opening = Task { await openForSearches() }
        self.opening = opening
        let outcome = await opening.value
        self.opening = nil
        return try outcome.get()
    }

    private func openForSearches() async -> Result<LDAPConnection, DirectoryFailure> {
        do throws(DirectoryFailure) {
            let password = try await servicePassword()
            let connection = try await open()
            do throws(DirectoryFailure) {
                try await bindServiceAccount(password, on: connection)
            } catch {
                connection.close()
                throw error
            }
            guard !isClosed else {
                connection.close()
                throw Self.closed
            }
            searchConnection = connection
            return .success(connection)
        } catch {
            note(error)
            return .failure(error)
        }
    }

    /// nil when searches are anonymous.
    private func servicePassword() async throws(DirectoryFailure) -> [UInt8]? {
        guard let account = plan.serviceAccount else { return nil }
        let read: Result<[UInt8], DirectoryFailure>
        do {
            read = try await NIOThreadPool.singleton.runIfActive {
                do throws(DirectoryFailure) { return .success(try account.password()) } catch { return .failure(error) }
            }
        } catch {
            throw DirectoryFailure(.configuration, "the password file \(account.passwordFile) cannot be read now")
        }
        let password = try read.get()
        if let refusedPassword, refusedPassword.password == password, refusedPassword.until > .now {
            throw DirectoryFailure(.serviceAccount, Self.refusal(account))
        }
        return password
    }

    private func bindServiceAccount(_ password: [UInt8]?, on connection: LDAPConnection) async throws(DirectoryFailure)
    {
        guard let account = plan.serviceAccount, let password else { return }
        let answer = try await connection.perform(
            .bind(name: account.dn, password: password), by: .now + plan.timeouts.operation)
        switch answer.result.code {
        case LDAPResult.success:
            refusedPassword = nil
        case LDAPResult.invalidCredentials:
            refusedPassword = (password, .now + .seconds(300))
            throw DirectoryFailure(.serviceAccount, Self.refusal(account))
        default:
            let failure = answer.result.failure(of: "the bind as \(account.dn)")
            throw failure.kind == .busy ? failure : DirectoryFailure(.serviceAccount, failure.reason)
        }
    }

    private static func refusal(_ account: DirectoryPlan.ServiceAccount) -> String {
        "the directory refuses \(account.dn) with the password in \(account.passwordFile); correct bind-dn or the file"
    }

    // MARK: Binds

    /// Tries a user's password, then, if it was right and `search` is given, searches with the user's own rights.
    func bind(
        name: String, password: [UInt8], then search: LDAPSearch? = nil, by deadline: ContinuousClock.Instant
    ) async throws(DirectoryFailure) -> (verdict: PasswordCheck, found: LDAPAnswer?) {
        guard await bindSlots.take(by: deadline) else {
            throw DirectoryFailure(.timedOut, "all connections for log-ins are in use")
        }
        defer { bindSlots.give() }
        try requireUse()
        while true {
            let kept = takeIdle()
            let connection: LDAPConnection
            if let kept {
                connection = kept
            } else {
                do throws(DirectoryFailure) {
                    connection = try await open()
                } catch {
                    note(error)
                    throw error
                }
            }
            guard !Task.isCancelled else {
                keep(connection)
                throw DirectoryFailure(.timedOut, "nobody waits for the log-in any more")
            }
            do throws(DirectoryFailure) {
                let answer = try await perform(.bind(name: name, password: password), on: connection, by: deadline)
                let verdict = try answer.result.verdict()
                var found: LDAPAnswer?
                if verdict == .accepted, let search {
                    found = try await perform(.search(search), on: connection, by: deadline)
                }
                keep(connection)
                return (verdict, found)
            } catch {
                connection.close()
                // The server cannot have got it: another connection may be tried.
                if kept != nil, error.kind == .connectionLost, !error.mayHaveArrived { continue }
                throw error
            }
        }
    }

    private func takeIdle() -> LDAPConnection? {
        while let connection = idle.popLast() {
            if connection.isOpen { return connection }
        }
        return nil
    }

    private func keep(_ connection: LDAPConnection) {
        guard !isClosed, connection.isOpen, !isOld(connection) else { return connection.close() }
        idle.append(connection)
    }

    // MARK: Connections

    private func open() async throws(DirectoryFailure) -> LDAPConnection {
        guard !isClosed else { throw Self.closed }
        openings += 1
        defer {
            openings -= 1
            if openings == 0, isClosed {
                for closer in closers { closer.resume() }
                closers = []
            }
        }
        let descriptor = try await transport.open(address, by: .now + plan.timeouts.connect + plan.timeouts.tls)
        let connection = try LDAPConnection(descriptor: descriptor, maximumMessage: plan.limits.messageSize)
        guard !isClosed else {
            connection.close()
            throw Self.closed
        }
        return connection
    }

    /// An operation within its own time and the log-in's. A server that used up the whole of the former is suspect.
    private func perform(
        _ request: LDAPRequest, on connection: LDAPConnection, by deadline: ContinuousClock.Instant
    ) async throws(DirectoryFailure) -> LDAPAnswer {
        let own = ContinuousClock.now + plan.timeouts.operation
        do throws(DirectoryFailure) {
            return try await connection.perform(request, by: min(own, deadline))
        } catch {
            if error.kind == .timedOut, own <= deadline { note(error) }
            throw error
        }
    }

    private func isOld(_ connection: LDAPConnection) -> Bool {
        connection.openedAt + plan.timeouts.renewal < .now
    }

    /// Tries the kept connections, so that neither a firewall nor a log-in finds a dead one. Runs until ``close()``.
    func startCare() {
        guard caretaker == nil, !isClosed else { return }
        let pause = plan.timeouts.idleCheck
        caretaker = Task { [weak self] in
            while (try? await Task.sleep(for: pause)) != nil { await self?.care() }
        }
    }

    private func care() async {
        if let connection = searchConnection {
            if isOld(connection) {
                searchConnection = nil
                // Searches that are under way may end.
                let pause = plan.timeouts.operation
                Task {
                    try? await Task.sleep(for: pause)
                    connection.close()
                }
            } else {
                _ = try? await search(.rootEntry, by: .now + plan.timeouts.operation)
            }
        }
        for _ in 0..<idle.count {
            guard await bindSlots.take(by: .now) else { return }
            defer { bindSlots.give() }
            guard !idle.isEmpty else { return }
            let connection = idle.removeFirst()
            if !isOld(connection), await isAlive(connection) {
                keep(connection)
            } else {
                connection.close()
            }
        }
    }

    private func isAlive(_ connection: LDAPConnection) async -> Bool {
        let answer = try? await perform(.search(.rootEntry), on: connection, by: .now + plan.timeouts.operation)
        return answer != nil
    }

    // MARK: Health

    /// Takes the server out of the rotation if the failure is the server's, and begins to probe it.
    private func note(_ failure: DirectoryFailure) {
        guard !isClosed else { return }
        switch failure.kind {
        // Others may do what this one cannot do now; it does answer.
        case .busy, .refused, .connectionLost: return
        case .resolveOrConnect, .tls, .serviceAccount, .timedOut, .configuration: break
        }
        if health.failed(failure.reason) {
            logger.warning("Directory server \(address) is out of use: \(failure.reason)")
        }
        dropConnections()
        guard prober == nil else { return }
        prober = Task { [weak self] in
            while let pause = await self?.nextProbe() {
                guard (try? await Task.sleep(for: pause)) != nil else { return }
                await self?.probe()
            }
        }
    }

    private func nextProbe() -> Duration? {
        guard let pause = health.nextProbe() else {
            prober = nil
            return nil
        }
        return pause
    }

    /// Nothing is asked of a server that is out of use; what waited for a place goes to the next one.
    private func requireUse() throws(DirectoryFailure) {
        guard !isClosed else { throw Self.closed }
        if let outage = health.outage { throw DirectoryFailure(.resolveOrConnect, outage) }
    }

    /// The server is back when a search works, which is what log-ins begin with.
    private func probe() async {
        do throws(DirectoryFailure) {
            _ = try await searchOnce(.rootEntry, by: .now + plan.timeouts.operation)
            health.answered()
            logger.notice("Directory server \(address) answers again")
        } catch {
            note(error)
        }
    }

    private func dropConnections() {
        searchConnection?.close()
        searchConnection = nil
        for connection in idle { connection.close() }
        idle = []
    }

    private static let closed = DirectoryFailure(.configuration, "the directory is closed")

    /// Ends all connections; what is under way fails, and so does what is asked later. When this returns nothing is being
    /// connected any more, and the event loops can end; that takes as long as connecting may take at most.
    func close() async {
        isClosed = true
        prober?.cancel()
        caretaker?.cancel()
        dropConnections()
        guard openings > 0 else { return }
        await withCheckedContinuation { closers.append($0) }
    }
}
