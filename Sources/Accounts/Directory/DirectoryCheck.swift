import Logging

/// What trying one server of a directory showed.
package struct DirectoryCheck: Sendable, Equatable {
    /// The server's address as a URL.
    package let server: String
    package let isUsable: Bool
    /// What is wrong and what to do, or that all is well.
    package let sentence: String
}

extension DirectoryAccounts {
    /// Tries connection, TLS, service account and search on each server, on connections of its own.
    package func check() async -> [DirectoryCheck] {
        var checks: [DirectoryCheck] = []
        for address in plan.servers {
            do throws(DirectoryFailure) {
                let sentence = try await check(address)
                checks.append(DirectoryCheck(server: "\(address)", isUsable: true, sentence: sentence))
            } catch {
                let sentence = error.reason + Self.remedy(for: error.kind)
                checks.append(DirectoryCheck(server: "\(address)", isUsable: false, sentence: sentence))
            }
        }
        return checks
    }

    private func check(_ address: DirectoryServerAddress) async throws(DirectoryFailure) -> String {
        let server = DirectoryServer(
            address, plan: plan, transport: transport, logger: Logger(label: name) { _ in SwiftLogNoOpLogHandler() })
        do throws(DirectoryFailure) {
            let sentence = try await check(server)
            await server.close()
            return sentence
        } catch {
            await server.close()
            throw error
        }
    }

    private func check(_ server: DirectoryServer) async throws(DirectoryFailure) -> String {
        var deadline: ContinuousClock.Instant { .now + plan.timeouts.operation }
        _ = try await server.search(.rootEntry, by: deadline)
        guard plan.canLookUp, let people = plan.people else {
            return "connection and TLS work; people cannot be searched without base and bind-dn"
        }
        let base = LDAPSearch(
            base: people.base, scope: .base, filter: "(objectClass=*)", attributes: ["1.1"], sizeLimit: 1)
        let found = try await server.search(base, by: deadline)
        switch found.result.code {
        case LDAPResult.success where found.entries.count == 1: break
        case LDAPResult.success, LDAPResult.noSuchObject:
            throw DirectoryFailure(
                .refused, "the base \(people.base) does not exist or the service account may not read it; correct base")
        default:
            throw found.result.failure(of: "the search of the base \(people.base)")
        }
        // Nobody has this name, so an entry can only mean that the filter does not look at the name.
        let answer = try await server.search(people.search(for: "nobody.by.this.name"), by: deadline)
        guard case .unknown = try people.outcome(of: answer, user: "nobody.by.this.name"), answer.entries.isEmpty else {
            throw DirectoryFailure(
                .refused, "the filter finds people by a name that nobody has; make {user} a condition for all of it")
        }
        return "connection, TLS, service account and search work"
    }

    private static func remedy(for kind: DirectoryFailure.Kind) -> String {
        switch kind {
        case .resolveOrConnect: "; start the server, or correct its address in servers"
        case .timedOut: "; see whether the server hangs or a firewall drops the connection"
        case .connectionLost: "; look into the server's log for the reason"
        case .busy: "; try again later"
        case .tls, .serviceAccount, .refused, .configuration: ""
        }
    }
}
