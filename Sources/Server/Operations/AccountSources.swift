internal import Accounts
internal import Logging
internal import NIOCore
internal import Storage
internal import XMPP

/// Makes the account sources that the configuration names: local accounts and directories.
struct AccountSources {
    private let configuration: Configuration
    private let database: Database
    private let hashing = PasswordHashing()
    private let decoy: Decoy
    private let directories: [String: DirectoryAccounts]

    /// - Throws: a line for the administrator.
    init(
        _ configuration: Configuration, database: Database, group: any EventLoopGroup, logger: Logger
    ) async throws {
        self.configuration = configuration
        self.database = database
        decoy = try await Decoy(database: database, parameters: KeyParameters(configuration))
        var directories: [String: DirectoryAccounts] = [:]
        for section in configuration.directories {
            directories[section.name] = try DirectoryAccounts(
                DirectoryConfiguration(section), group: group, logger: logger)
        }
        self.directories = directories
    }

    /// Who may log in at a domain.
    func credentials(of domain: DomainSection) -> Credentials {
        Credentials(
            domain: domain.name,
            sources: domain.accounts.compactMap { source -> (any AccountSource)? in
                switch source {
                case .local:
                    LocalAccounts(
                        domain: domain.name, database: database, hashing: hashing,
                        parameters: KeyParameters(configuration), preparePassword: { try Precis.opaqueString($0) })
                case .directory(let name): directories[name]
                }
            },
            decoy: decoy, hashing: hashing, preparePassword: { try Precis.opaqueString($0) })
    }

    /// Ends all connections to directories.
    func close() async {
        for directory in directories.values { await directory.close() }
    }
}

extension DirectoryConfiguration {
    /// What the configuration file says of a directory.
    package init(_ section: DirectorySection) {
        self.init(servers: section.servers.map(\.description), base: section.base)
        name = section.name
        security = Security(rawValue: section.tls.rawValue)
        authorities = section.ca
        bindDN = section.bindDN
        passwordFile = section.passwordFile
        scope = Scope(rawValue: section.scope.rawValue) ?? .subtree
        filter = section.filter
        userTemplate = section.userTemplate
        timeouts.connect = section.timeouts.connect
        timeouts.tls = section.timeouts.tls
        timeouts.operation = section.timeouts.operation
        timeouts.logIn = section.timeouts.login
        timeouts.idleCheck = section.timeouts.idleCheck
        timeouts.renewal = section.timeouts.renewal
        limits.bindConnections = section.limits.bindConnections
        limits.logIns = section.limits.logins
        limits.rememberedNames = section.limits.rememberedNames
        limits.rememberExisting = section.limits.rememberExisting
        limits.rememberUnknown = section.limits.rememberUnknown
        limits.messageSize = section.limits.messageSize.bytes
    }
}
