package import Logging
package import NIOCore
import Synchronization
package import TLS
import XMPP

/// People of an LDAP directory or Active Directory: passwords are tried there, and nowhere kept.
///
/// Every question has one deadline that covers resolving, connecting, TLS, searches and binds. Neither an event loop nor a
/// thread of Swift's pool ever waits for a directory. "Unavailable" is never reported as a wrong password.
package final class DirectoryAccounts: AccountSource {
    package let name: String
    let plan: DirectoryPlan
    /// In order of priority.
    private let servers: [DirectoryServer]
    let transport: LDAPTransport
    private let logger: Logger
    private let now: @Sendable () -> ContinuousClock.Instant

    private struct State {
        var logIns = 0
        var cache: ExistenceCache
        /// Identical questions wait for one answer.
        var lookUps: [String: Task<EntryLookup, Never>] = [:]
    }

    private let state: Mutex<State>

    /// An entry, as asked for by a user's name.
    package enum EntryLookup: Sendable, Equatable {
        case found(DirectoryEntry)
        case unknown
        /// The name means several people; nobody may use it.
        case ambiguous
        case unavailable(String)
    }

    /// Connects to nothing yet. Reads the files that are named, so call it where blocking is allowed.
    /// - Parameters:
    ///   - group: where connections are pumped.
    ///   - now: the clock of the memory of names.
    package init(
        _ configuration: DirectoryConfiguration, group: any EventLoopGroup, logger: Logger,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) throws(DirectoryProblem) {
        LDAPLibrary.prepare()
        let plan = try DirectoryPlan(configuration)
        let transport = LDAPTransport(group: group, context: try Self.context(plan), timeouts: plan.timeouts)
        name = configuration.name
        self.plan = plan
        self.transport = transport
        self.logger = logger
        self.now = now
        servers = plan.servers.map { DirectoryServer($0, plan: plan, transport: transport, logger: logger) }
        state = Mutex(State(cache: ExistenceCache(plan.limits)))
        for server in servers { Task { await server.startCare() } }
    }

    private static func context(_ plan: DirectoryPlan) throws(DirectoryProblem) -> TLSContext? {
        guard plan.servers.contains(where: { $0.security != .none }) else { return nil }
        do throws(TLSError) {
            let trust: TrustStore = if let file = plan.authorities { try .file(file) } else { try .system() }
            return try .client(trust: trust)
        } catch {
            throw DirectoryProblem(key: "ca", text: error.description)
        }
    }

    /// Ends all connections; what is asked later is unavailable.
    package func close() async {
        for server in servers { await server.close() }
    }

    // MARK: AccountSource

    /// - Parameters:
    ///   - password: as the SASL mechanism prepared it (RFC 8265, OpaqueString).
    ///   - user: the localpart of the address; names are unescaped by XEP-0106 before they are searched.
    package func verify(password: [UInt8], user: String, deadline: ContinuousClock.Instant) async -> PasswordCheck {
        // A bind with an empty password is anonymous, and succeeds (RFC 4513, section 5.1.2).
        guard !password.isEmpty, !user.isEmpty else { return .rejected }
        let name = JIDEscaping.unescape(user)
        guard admit() else { return .unavailable("too many log-ins wait for the directory \(self.name)") }
        let deadline = min(deadline, .now + plan.timeouts.logIn)
        let late = PasswordCheck.unavailable("the directory \(self.name) did not answer in time")
        return await withDeadline(deadline, late: late) { [self] in
            defer { state.withLock { $0.logIns -= 1 } }
            do throws(DirectoryFailure) {
                return try await logIn(name, password, by: deadline)
            } catch {
                // The outage itself is logged once, as a warning, by the server that has it.
                logger.info("The directory \(self.name) cannot say whether a password is right: \(error.reason)")
                return .unavailable(error.reason)
            }
        }
    }

    /// A directory shows no SCRAM keys. `.none` keeps an account of the same name in a later source from being used instead;
    /// a directory where nobody can be looked up says `.unknown`.
    package func scramKeys(user: String, hash: Hash) async -> KeyLookup {
        guard plan.canLookUp else { return .unknown }
        switch await remembered(JIDEscaping.unescape(user), deadline: .now + plan.timeouts.logIn) {
        case .found, .ambiguous: return .none
        case .unknown: return .unknown
        case .unavailable(let reason): return .unavailable(reason)
        }
    }

    package func existence(of user: String, deadline: ContinuousClock.Instant) async -> Existence {
        switch await remembered(JIDEscaping.unescape(user), deadline: deadline) {
        case .found: return .exists
        case .unknown, .ambiguous: return .unknown
        case .unavailable(let reason): return .unavailable(reason)
        }
    }

    /// An answer that may be a minute old.
    private func remembered(_ name: String, deadline: ContinuousClock.Instant) async -> Presence {
        if let known = state.withLock({ $0.cache.exists(name, at: now()) }) { return known ? .found : .unknown }
        switch await lookUp(name, deadline: deadline) {
        case .found: return .found
        case .unknown: return .unknown
        case .ambiguous: return .ambiguous
        case .unavailable(let reason): return .unavailable(reason)
        }
    }

    private enum Presence {
        case found, unknown, ambiguous
        case unavailable(String)
    }

    // MARK: Entries

    /// The person's entry with the configured attributes, from the directory itself; the same rules decide who it is as at
    /// a log-in.
    package func entry(of user: String, deadline: ContinuousClock.Instant) async -> EntryLookup {
        await lookUp(JIDEscaping.unescape(user), deadline: deadline)
    }

    private func lookUp(_ name: String, deadline: ContinuousClock.Instant) async -> EntryLookup {
        let lookUp: Task<EntryLookup, Never>? = state.withLock { state in
            if let lookUp = state.lookUps[name] { return lookUp }
            guard state.lookUps.count < plan.limits.logIns else { return nil }
            let lookUp = Task { [self] in
                // Who joins may have more time than who asked first: the look-up has its own.
                let found: EntryLookup
                do throws(DirectoryFailure) {
                    switch try await find(name, by: .now + plan.timeouts.logIn).outcome {
                    case .found(let entry): found = .found(entry)
                    case .unknown: found = .unknown
                    case .ambiguous: found = .ambiguous
                    }
                } catch {
                    found = .unavailable(error.reason)
                }
                self.state.withLock { $0.lookUps[name] = nil }
                return found
            }
            state.lookUps[name] = lookUp
            return lookUp
        }
        guard let lookUp else { return .unavailable("too many questions wait for the directory \(self.name)") }
        return await withDeadline(deadline, late: .unavailable("the directory \(self.name) did not answer in time")) {
            await lookUp.value
        }
    }

    private func find(
        _ name: String, by deadline: ContinuousClock.Instant
    ) async throws(DirectoryFailure) -> (outcome: PeopleSearch.Outcome, server: DirectoryServer) {
        guard plan.canLookUp, let people = plan.people else {
            throw DirectoryFailure(
                .configuration, "the directory \(self.name) has no base or no service account to search people with")
        }
        var failures: [String] = []
        for server in servers {
            do throws(DirectoryFailure) {
                let outcome = try people.outcome(
                    of: try await server.search(people.search(for: name), by: deadline), user: name)
                remember(name, outcome)
                return (outcome, server)
            } catch {
                failures.append("\(server.address): \(error.reason)")
            }
        }
        throw DirectoryFailure(.resolveOrConnect, failures.joined(separator: "; "))
    }

    private func remember(_ name: String, _ outcome: PeopleSearch.Outcome) {
        let exists: Bool
        switch outcome {
        case .found: exists = true
        case .unknown: exists = false
        // A mistake in the directory that somebody is about to correct; and it must go on being reported.
        case .ambiguous: return
        }
        state.withLock { $0.cache.remember(name, exists: exists, at: now()) }
    }

    // MARK: Log-ins

    private func admit() -> Bool {
        state.withLock { state in
            guard state.logIns < plan.limits.logIns else { return false }
            state.logIns += 1
            return true
        }
    }

    private func logIn(
        _ name: String, _ password: [UInt8], by deadline: ContinuousClock.Instant
    ) async throws(DirectoryFailure) -> PasswordCheck {
        switch plan.method {
        case .search:
            if state.withLock({ $0.cache.exists(name, at: now()) }) == false { return .unknown }
            let (outcome, server) = try await find(name, by: deadline)
            switch outcome {
            case .found(let entry):
                return try await bind(entry.dn, password, first: server, by: deadline).verdict
            case .unknown:
                return .unknown
            case .ambiguous:
                logger.warning(
                    "The directory \(self.name) has several entries for one user; all are refused",
                    metadata: ["user": "\(name)"])
                return .rejected
            }
        case .template(let template):
            guard let dn = template.name(for: name) else { return .unknown }
            let (verdict, found) = try await bind(dn, password, then: plan.people?.search(for: name), by: deadline)
            guard verdict == .accepted, let people = plan.people else { return verdict }
            // The password was right; whether chat is allowed is what the filter says.
            guard let found, case .found = try people.outcome(of: found, user: name) else {
                return .refused(.notAllowed)
            }
            return .accepted
        }
    }

    /// Tries the password on the server that knows the entry, on others only while none may have counted the attempt.
    private func bind(
        _ dn: String, _ password: [UInt8], then search: LDAPSearch? = nil, first: DirectoryServer? = nil,
        by deadline: ContinuousClock.Instant
    ) async throws(DirectoryFailure) -> (verdict: PasswordCheck, found: LDAPAnswer?) {
        var failures: [String] = []
        for server in (first.map { [$0] } ?? []) + servers.filter({ $0 !== first }) {
            do throws(DirectoryFailure) {
                return try await server.bind(name: dn, password: password, then: search, by: deadline)
            } catch {
                failures.append("\(server.address): \(error.reason)")
                if error.mayHaveArrived { break }
            }
        }
        throw DirectoryFailure(.resolveOrConnect, failures.joined(separator: "; "))
    }
}
