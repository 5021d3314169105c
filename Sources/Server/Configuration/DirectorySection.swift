/// An LDAP directory with accounts, under `directories:`.
package struct DirectorySection: Equatable, Sendable {
    /// The name that a domain's `accounts` uses.
    package var name: String
    /// At least one, in the order of preference.
    package var servers: [DirectoryServer]
    package var tls: TLS
    /// PEM file with the authorities that sign the servers' certificates; nil for those the system trusts.
    package var ca: String?
    /// The account that searches; nil searches anonymously.
    package var bindDN: String?
    /// File with the password of `bindDN`.
    package var passwordFile: String?
    /// Where people are searched; nil if `userTemplate` makes searching needless.
    package var base: String?
    package var scope: Scope
    /// The search filter, in which `$user` stands for the escaped local part.
    package var filter: String
    /// The name to bind as, in which `$user` stands for the escaped local part and `$domain` for the domain.
    package var userTemplate: String?
    package var connectTimeout: Duration
    package var operationTimeout: Duration
    package var loginTimeout: Duration
    /// Connections kept to each server for checking passwords.
    package var connections: Int

    package enum TLS: String, CaseIterable, Sendable {
        /// StartTLS (RFC 4511, section 4.14) before anything else.
        case starttls
        /// TLS from the first byte.
        case ldaps
        case none
    }

    /// RFC 4511, section 4.5.1.2.
    package enum Scope: String, CaseIterable, Sendable {
        case base, one, subtree
    }

    /// What stands for the local part of an address in `filter` and `userTemplate`.
    package static let userPlaceholder = "$user"
    /// What stands for the domain of an address in `filter` and `userTemplate`.
    package static let domainPlaceholder = "$domain"

    package init(
        name: String, servers: [DirectoryServer], tls: TLS = .starttls, ca: String? = nil, bindDN: String? = nil,
        passwordFile: String? = nil, base: String? = nil, scope: Scope = .subtree,
        filter: String = DirectorySettings.filter.default, userTemplate: String? = nil,
        connectTimeout: Duration = DirectorySettings.connectTimeout.default,
        operationTimeout: Duration = DirectorySettings.operationTimeout.default,
        loginTimeout: Duration = DirectorySettings.loginTimeout.default,
        connections: Int = DirectorySettings.connections.default
    ) {
        self.name = name
        self.servers = servers
        self.tls = tls
        self.ca = ca
        self.bindDN = bindDN
        self.passwordFile = passwordFile
        self.base = base
        self.scope = scope
        self.filter = filter
        self.userTemplate = userTemplate
        self.connectTimeout = connectTimeout
        self.operationTimeout = operationTimeout
        self.loginTimeout = loginTimeout
        self.connections = connections
    }
}
