/// An LDAP directory with accounts, under `directories:`.
package struct DirectorySection: Equatable, Sendable {
    /// The name that a domain's `accounts` uses.
    package var name: String
    /// At least one, in the order of preference.
    package var servers: [DirectoryURL]
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
    /// The search filter, in which `{user}` stands for the local part of an address.
    package var filter: String
    /// The name to bind as, in which `{user}` stands for the local part of an address; nil to search for it.
    package var userTemplate: String?
    package var timeouts: Timeouts
    package var limits: Limits

    package enum TLS: String, CaseIterable, Sendable {
        /// StartTLS (RFC 4511, section 4.14) before anything else.
        case starttls
        /// TLS from the first byte.
        case ldaps
        case none
    }

    /// RFC 4511, section 4.5.1.2, in the words of RFC 4516.
    package enum Scope: String, CaseIterable, Sendable {
        case base
        case oneLevel = "one"
        case subtree = "sub"
    }

    package struct Timeouts: Equatable, Sendable {
        package var connect = DirectorySettings.connectTimeout.default
        package var tls = DirectorySettings.tlsTimeout.default
        package var operation = DirectorySettings.operationTimeout.default
        package var login = DirectorySettings.loginTimeout.default
        package var idleCheck = DirectorySettings.idleCheck.default
        package var renewal = DirectorySettings.renewal.default

        package init() {}
    }

    package struct Limits: Equatable, Sendable {
        package var bindConnections = DirectorySettings.bindConnections.default
        package var logins = DirectorySettings.logins.default
        package var rememberedNames = DirectorySettings.rememberedNames.default
        package var rememberExisting = DirectorySettings.rememberExisting.default
        package var rememberUnknown = DirectorySettings.rememberUnknown.default
        package var messageSize = DirectorySettings.messageSize.default

        package init() {}
    }

    /// What stands for the local part of an address in `filter` and `userTemplate`.
    static let userPlaceholder = "{user}"

    package init(
        name: String, servers: [DirectoryURL], tls: TLS = .starttls, ca: String? = nil, bindDN: String? = nil,
        passwordFile: String? = nil, base: String? = nil, scope: Scope = .subtree,
        filter: String = DirectorySettings.filter.default, userTemplate: String? = nil, timeouts: Timeouts = Timeouts(),
        limits: Limits = Limits()
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
        self.timeouts = timeouts
        self.limits = limits
    }
}
