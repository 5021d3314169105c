/// What an administrator says about a directory: where it is, how it is searched, how long it may take.
package struct DirectoryConfiguration: Sendable, Equatable {
    package enum Security: String, Sendable, CaseIterable {
        case startTLS = "starttls"
        case ldaps
        /// In clear; only for servers on this machine.
        case none
    }

    package enum Scope: String, Sendable, CaseIterable {
        case base
        case oneLevel = "one"
        case subtree = "sub"
    }

    package struct Timeouts: Sendable, Equatable {
        /// Resolving the name and connecting.
        package var connect = Duration.seconds(2)
        /// StartTLS and the TLS handshake.
        package var tls = Duration.seconds(2)
        /// One search or bind.
        package var operation = Duration.seconds(3)
        /// A whole log-in, whatever it needs.
        package var logIn = Duration.seconds(8)
        /// Kept connections are tried this often.
        package var idleCheck = Duration.seconds(30)
        /// A kept connection is replaced at this age.
        package var renewal = Duration.seconds(600)

        package init() {}
    }

    package struct Limits: Sendable, Equatable {
        /// Connections per server on which users' passwords are tried.
        package var bindConnections = 4
        /// Log-ins under way or waiting, and as many look-ups; those beyond are told that the directory is unavailable.
        package var logIns = 256
        /// Names whose existence is remembered.
        package var rememberedNames = 10_000
        package var rememberExisting = Duration.seconds(60)
        package var rememberUnknown = Duration.seconds(60)
        /// Bytes of one LDAP message that a server may send.
        package var messageSize = 1 << 20

        package init() {}
    }

    package var name = "directory"
    /// `ldap://host:port` or `ldaps://host:port`, in order of priority.
    package var servers: [String]
    /// `nil`: StartTLS for `ldap://`, TLS from the start for `ldaps://`.
    package var security: Security?
    /// A file of certification authorities in PEM; `nil`: those that the system trusts.
    package var authorities: String?
    /// The service account that searches; `nil`: searches are anonymous.
    package var bindDN: String?
    package var passwordFile: String?
    /// Where people are searched. May be missing only with a user template.
    package var base: String?
    package var scope = Scope.subtree
    package var filter = "(&(objectClass=person)(uid={user}))"
    /// Binds without a search: a DN such as `uid={user},ou=people,dc=example,dc=org`, or, for Active Directory,
    /// `{user}@example.org`. With a base the user's own rights are then used to look whether the filter lets them in.
    package var userTemplate: String?
    /// Attributes that `DirectoryAccounts.entry` answers with.
    package var attributes: [String] = []
    package var timeouts = Timeouts()
    package var limits = Limits()

    package init(servers: [String], base: String? = nil) {
        self.servers = servers
        self.base = base
    }
}

/// One thing wrong with a directory's configuration: the setting, and what to write there.
package struct DirectoryProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// The setting as the configuration file spells it.
    package let key: String
    package let text: String

    package var description: String { "\(key): \(text)" }
}
