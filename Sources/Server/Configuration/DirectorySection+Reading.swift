extension DirectorySection {
    init(name: String, _ section: SectionReader) {
        self.init(
            name: name, servers: Self.servers(section), tls: section.value(of: DirectorySettings.tls),
            ca: section.file(DirectorySettings.ca), bindDN: section.value(of: DirectorySettings.bindDN),
            passwordFile: section.file(DirectorySettings.passwordFile), base: section.value(of: DirectorySettings.base),
            scope: section.value(of: DirectorySettings.scope), filter: section.value(of: DirectorySettings.filter),
            userTemplate: section.value(of: DirectorySettings.userTemplate),
            timeouts: Timeouts(section.subsection("timeouts")), limits: Limits(section.subsection("limits")))
        if section.entry("tls") == nil, servers.allSatisfy(\.isLDAPS), !servers.isEmpty { tls = .ldaps }
        checkTLS(section)
        checkNames(section)
        rejectSecret(section)
    }

    private static func servers(_ section: SectionReader) -> [DirectoryURL] {
        section.require("servers", "for example \"servers: [ldaps://ldap.example.org]\"")
        let urls = section.value(of: DirectorySettings.servers)
        guard let entry = section.entry("servers") else { return [] }
        let path = section.path("servers")
        if case .list(let elements) = entry.value.content, elements.isEmpty {
            section.report(
                entry.value.position, "\(path) is empty; name at least one server such as ldaps://ldap.example.org")
        }
        return urls.compactMap { url in
            if let server = DirectoryURL(url) { return server }
            section.report(
                entry.value.position,
                "\(path): \"\(YAMLNode.shortened(url))\" is not of the form ldap://HOST, ldaps://HOST or ldaps://HOST:PORT"
            )
            return nil
        }
    }

    private func checkTLS(_ section: SectionReader) {
        guard let entry = section.entry("tls") ?? section.entry("servers") else { return }
        let path = section.path("tls")
        for server in servers {
            if tls == .none, !server.isLoopback {
                section.report(
                    entry.value.position,
                    "\(path) \"none\" would let passwords cross the network to \(server.host) unencrypted; use starttls or ldaps"
                )
            } else if (tls == .ldaps) != server.isLDAPS {
                section.report(
                    entry.value.position,
                    "\(path) is \(tls.rawValue), but the server is written \(server); "
                        + "write ldaps:// for ldaps and ldap:// for starttls")
            }
        }
    }

    private func checkNames(_ section: SectionReader) {
        if base == nil, userTemplate == nil {
            section.report(
                section.position, "\(section.name) needs \"base\" or \"user-template\", by which people are found")
        }
        for (one, other) in [("bind-dn", "password-file"), ("password-file", "bind-dn")] {
            guard let entry = section.entry(one), section.entry(other) == nil else { continue }
            section.report(entry.position, "\(section.path(one)) needs \"\(other)\" beside it")
        }
        if let entry = section.entry("filter") {
            if !filter.contains(Self.userPlaceholder) {
                section.report(
                    entry.value.position,
                    "\(section.path("filter")) must contain \(Self.userPlaceholder), for example (uid={user})")
            } else if !Self.isBalanced(filter) {
                section.report(
                    entry.value.position,
                    "\(section.path("filter")) must stand in parentheses that match, for example (uid={user})")
            }
        }
        if let userTemplate, let entry = section.entry("user-template"), !userTemplate.contains(Self.userPlaceholder) {
            section.report(
                entry.value.position,
                "\(section.path("user-template")) must contain \(Self.userPlaceholder), for example uid={user},ou=people,dc=example,dc=org"
            )
        }
    }

    private func rejectSecret(_ section: SectionReader) {
        let secrets = section.entries.filter { ["password", "bind-password", "secret"].contains($0.key) }
        for entry in secrets {
            section.report(
                entry.position,
                "\(section.path(entry.key)): secrets do not belong in this file; write the password to a file of its own and name it with \"password-file\""
            )
        }
        section.rejectUnknown(known: DirectorySettings.all.map(\.path) + ["timeouts", "limits"] + secrets.map(\.key))
    }

    /// Whether a filter is one parenthesised expression (RFC 4515, section 3).
    private static func isBalanced(_ filter: String) -> Bool {
        guard filter.hasPrefix("("), filter.hasSuffix(")") else { return false }
        var depth = 0
        for (index, byte) in filter.utf8.enumerated() {
            if byte == UInt8(ascii: "(") { depth += 1 }
            if byte == UInt8(ascii: ")") { depth -= 1 }
            if depth == 0, index < filter.utf8.count - 1 { return false }
        }
        return depth == 0
    }

    var entry: ConfigurationEntry {
        ConfigurationEntry("directories.\(name)", "\(self)", reload: false)
    }
}

extension DirectorySection.Timeouts {
    fileprivate init(_ section: SectionReader?) {
        guard let section else { return }
        connect = section.value(of: DirectorySettings.connectTimeout)
        tls = section.value(of: DirectorySettings.tlsTimeout)
        operation = section.value(of: DirectorySettings.operationTimeout)
        login = section.value(of: DirectorySettings.loginTimeout)
        idleCheck = section.value(of: DirectorySettings.idleCheck)
        renewal = section.value(of: DirectorySettings.renewal)
        section.rejectUnknown(known: DirectorySettings.timeouts.map(\.path))
    }
}

extension DirectorySection.Limits {
    fileprivate init(_ section: SectionReader?) {
        guard let section else { return }
        bindConnections = section.value(of: DirectorySettings.bindConnections)
        logins = section.value(of: DirectorySettings.logins)
        rememberedNames = section.value(of: DirectorySettings.rememberedNames)
        rememberExisting = section.value(of: DirectorySettings.rememberExisting)
        rememberUnknown = section.value(of: DirectorySettings.rememberUnknown)
        messageSize = section.value(of: DirectorySettings.messageSize)
        section.rejectUnknown(known: DirectorySettings.limits.map(\.path))
    }
}
