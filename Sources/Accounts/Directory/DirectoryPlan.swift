import CLDAP
import Foundation

/// A directory's configuration after it was checked: addresses, templates and limits ready for use.
struct DirectoryPlan: Sendable {
    /// How a password is tried.
    enum Method: Sendable {
        /// The entry is searched, then bound to.
        case search
        /// The name to bind with follows from the user's name.
        case template(NameTemplate)
    }

    let servers: [DirectoryServerAddress]
    let method: Method
    /// `nil` when there is no base, so nothing can be searched.
    let people: PeopleSearch?
    let serviceAccount: ServiceAccount?
    let authorities: String?
    let timeouts: DirectoryConfiguration.Timeouts
    let limits: DirectoryConfiguration.Limits

    /// Whether people can be searched without their passwords.
    var canLookUp: Bool {
        switch method {
        case .search: people != nil
        case .template: people != nil && serviceAccount != nil
        }
    }

    struct ServiceAccount: Sendable {
        let dn: String
        let passwordFile: String

        /// The file's content without the newline at its end. Blocks on the file system.
        func password() throws(DirectoryFailure) -> [UInt8] {
            guard var bytes = FileManager.default.contents(atPath: passwordFile).map(Array.init) else {
                throw DirectoryFailure(.configuration, "the password file \(passwordFile) cannot be read")
            }
            if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
            guard !bytes.isEmpty else {
                throw DirectoryFailure(.configuration, "the password file \(passwordFile) is empty")
            }
            return bytes
        }
    }

    /// Throws the first problem that ``DirectoryConfiguration/problems()`` finds.
    init(_ configuration: DirectoryConfiguration) throws(DirectoryProblem) {
        if let problem = configuration.problems().first { throw problem }
        servers = try configuration.servers.map { (text) throws(DirectoryProblem) in
            try DirectoryServerAddress(text, security: configuration.security)
        }
        if let template = configuration.userTemplate {
            method = .template(try NameTemplate(template))
        } else {
            method = .search
        }
        if let base = configuration.base {
            people = PeopleSearch(
                base: base, scope: configuration.scope, filter: try FilterTemplate(configuration.filter),
                attributes: configuration.attributes)
        } else {
            people = nil
        }
        if let dn = configuration.bindDN, let file = configuration.passwordFile {
            serviceAccount = ServiceAccount(dn: dn, passwordFile: file)
        } else {
            serviceAccount = nil
        }
        authorities = configuration.authorities
        timeouts = configuration.timeouts
        limits = configuration.limits
    }
}

extension DirectoryConfiguration {
    /// Everything that is wrong, in the order of the settings; empty when the directory can be used.
    /// Reads the files that are named, so call it where blocking is allowed.
    package func problems() -> [DirectoryProblem] {
        var problems: [DirectoryProblem] = []
        func report(_ key: String, _ text: String) { problems.append(DirectoryProblem(key: key, text: text)) }
        func attempt(_ check: () throws(DirectoryProblem) -> Void) {
            do { try check() } catch { problems.append(error) }
        }

        if servers.isEmpty {
            report("servers", "names no server; write at least one, such as ldaps://ldap.example.org")
        }
        for server in servers {
            attempt { () throws(DirectoryProblem) in _ = try DirectoryServerAddress(server, security: security) }
        }
        if let authorities, !FileManager.default.isReadableFile(atPath: authorities) {
            report(
                "ca",
                "the file \(authorities) cannot be read; name a file of certificates in PEM that this server may read")
        }
        if let bindDN {
            if !DistinguishedName.isValid(bindDN) && !bindDN.contains("@") {
                report("bind-dn", "\"\(bindDN)\" is no DN; write one such as cn=chat,ou=services,dc=example,dc=org")
            }
            if let passwordFile {
                if FileManager.default.contents(atPath: passwordFile)?.isEmpty ?? true {
                    report(
                        "password-file",
                        "the file \(passwordFile) is empty or cannot be read; put the service account's password there")
                }
            } else {
                report("password-file", "is missing; name the file that holds the password of \(bindDN)")
            }
        } else if passwordFile != nil {
            report("bind-dn", "is missing; name the account whose password is in the password file")
        }
        if let base {
            if !DistinguishedName.isValid(base) {
                report("base", "\"\(base)\" is no DN; write where the people are, such as ou=people,dc=example,dc=org")
            }
        } else if userTemplate == nil {
            report("base", "is missing; write where the people are, such as ou=people,dc=example,dc=org")
        }
        attempt { () throws(DirectoryProblem) in _ = try FilterTemplate(filter) }
        if let userTemplate { attempt { () throws(DirectoryProblem) in _ = try NameTemplate(userTemplate) } }
        for (key, value) in [
            ("connect", timeouts.connect), ("tls", timeouts.tls), ("operation", timeouts.operation),
            ("log-in", timeouts.logIn),
            ("idle-check", timeouts.idleCheck), ("renewal", timeouts.renewal),
        ] where value <= .zero {
            report("timeouts.\(key)", "must be longer than nothing; remove the line for the default")
        }
        for (key, value) in [
            ("bind-connections", limits.bindConnections), ("log-ins", limits.logIns),
            ("remembered-names", limits.rememberedNames), ("message-size", limits.messageSize),
        ] where value < 1 {
            report("limits.\(key)", "must be at least 1; remove the line for the default")
        }
        return problems
    }
}
