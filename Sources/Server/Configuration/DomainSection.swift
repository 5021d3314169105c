/// A domain of the server, under `domains:`.
package struct DomainSection: Equatable, Sendable {
    /// The prepared domain name.
    package var name: String
    /// PEM file with the certificate and its chain; nil for a self-signed one made at the first start.
    package var certificate: String?
    /// PEM file with the private key of the certificate.
    package var key: String?
    /// Where its accounts are, asked in this order.
    package var accounts: [AccountSource]
    /// Where its clients are sent on to (RFC 6120, section 4.9.3.19); nil if they are served here.
    package var movedTo: OtherHost?
    /// Whether its accounts have archives; nil: what holds for all domains.
    package var hasArchive: Bool?
    /// How long its archives are kept; nil: what holds for all domains.
    package var archiveKeep: Keep?
    /// Whether the domain has a service for rooms.
    package var hasRooms = true

    /// How long something is kept.
    package enum Keep: Hashable, Sendable {
        case forever
        case time(Duration)
    }

    package enum AccountSource: Hashable, Sendable {
        /// The server's own accounts.
        case local
        /// A directory of that name under `directories:`.
        case directory(String)
    }

    package init(name: String, certificate: String? = nil, key: String? = nil, accounts: [AccountSource] = [.local]) {
        self.name = name
        self.certificate = certificate
        self.key = key
        self.accounts = accounts
    }
}

extension DomainSection {
    static let settings = [
        AnySetting(certificateFile), AnySetting(keyFile), AnySetting(accountSources), AnySetting(movedToSetting),
        AnySetting(archive), AnySetting(archiveKeeping), AnySetting(rooms),
    ]

    private static let certificateFile = Setting(
        "certificate", example: "certs/example.org.pem", reload: true,
        """
        PEM file with the certificate and its chain. Without it the server makes a self-signed one at the first \
        start, which clients will not trust.
        """)

    private static let keyFile = Setting(
        "key", example: "certs/example.org.key", reload: true, "PEM file with the private key of the certificate.")

    private static let accountSources = Setting(
        "accounts", default: ["local"],
        "Where the accounts are: local (made with \"martlet user add\") and names from \"directories\", asked in this order."
    )

    private static let movedToSetting = Setting(
        "moved-to", example: "other.example.org:5222", reload: true,
        """
        The host, with a port or without, that the clients of this domain are to connect to instead: each is told so \
        once its stream is encrypted, and is closed. To empty a machine, write it here and reload.
        """)

    private static let archive = Setting(
        "archive", default: true,
        "Whether the accounts of this domain have archives, if that is to differ from archive.enabled.")

    private static let archiveKeeping = Setting(
        "archive-keep", default: Duration?.none, in: .seconds(86_400)...(.seconds(36_500 * 86_400)), none: "forever",
        "How long messages are archived in this domain, if that is to differ from archive.keep.")

    private static let rooms = Setting(
        "rooms", default: true, "Whether people of this domain can meet in rooms, at the address that rooms.label makes.")

    init(
        name: String, _ section: SectionReader, directories: [String],
        prepareDomain: Configuration.DomainPreparation = Configuration.prepareASCIIDomain
    ) {
        self.init(name: name, certificate: section.file(Self.certificateFile), key: section.file(Self.keyFile))
        for (one, other) in [("certificate", "key"), ("key", "certificate")] {
            guard let entry = section.entry(one), section.entry(other) == nil else { continue }
            section.report(entry.position, "\(section.path(one)) needs \"\(other)\" beside it; both come as a pair")
        }
        readAccounts(section, directories: directories)
        readMovedTo(section, prepareDomain)
        if section.entry("archive") != nil { hasArchive = section.value(of: Self.archive) }
        if section.entry("archive-keep") != nil {
            archiveKeep = section.value(of: Self.archiveKeeping).map { .time($0) } ?? .forever
        }
        hasRooms = section.value(of: Self.rooms)
        section.rejectUnknown(known: Self.settings.map(\.path))
    }

    private mutating func readAccounts(_ section: SectionReader, directories: [String]) {
        let names = section.value(of: Self.accountSources)
        guard let entry = section.entry("accounts") else { return }
        let path = section.path("accounts")
        if names.isEmpty { section.report(entry.value.position, "\(path) is empty; write [local]") }
        accounts = []
        for name in names {
            let source = name == "local" ? AccountSource.local : .directory(name)
            if accounts.contains(source) {
                section.report(entry.value.position, "\(path) names \"\(YAMLNode.shortened(name))\" twice; remove one")
            } else if source != .local, !directories.contains(name) {
                let suggestion = Suggestion.nearest(to: name, among: ["local"] + directories)
                section.report(
                    entry.value.position,
                    "\(path): there is no directory \"\(YAMLNode.shortened(name))\"; "
                        + (suggestion.map { "did you mean \"\($0)\"?" } ?? "describe it under \"directories:\""))
            }
            accounts.append(source)
        }
    }

    private mutating func readMovedTo(_ section: SectionReader, _ prepareDomain: Configuration.DomainPreparation) {
        guard let text = section.value(of: Self.movedToSetting), let entry = section.entry("moved-to") else { return }
        let path = section.path("moved-to")
        guard let host = OtherHost(text, prepareDomain: prepareDomain) else {
            return section.report(
                entry.value.position,
                "\(path) must be a host such as other.example.org, 192.0.2.1 or \"[2001:db8::1]\", with a port such as :5222 "
                    + "behind it or without, not \(entry.value.found)")
        }
        guard host.name != name || host.port != nil else {
            return section.report(
                entry.value.position,
                "\(path) is the domain itself, to which its clients have just connected; name another host, or a port")
        }
        movedTo = host
    }

    var entries: [ConfigurationEntry] {
        [
            ConfigurationEntry("domains.\(name)", "", reload: false),
            ConfigurationEntry("domains.\(name).certificate", certificate ?? "", reload: true, isPart: true),
            ConfigurationEntry("domains.\(name).key", key ?? "", reload: true, isPart: true),
            ConfigurationEntry("domains.\(name).accounts", "\(accounts)", reload: false, isPart: true),
            ConfigurationEntry(
                "domains.\(name).moved-to", movedTo?.description ?? "", reload: true, isPart: true),
            ConfigurationEntry(
                "domains.\(name).archive", hasArchive.map { "\($0)" } ?? "", reload: false, isPart: true),
            ConfigurationEntry(
                "domains.\(name).archive-keep", archiveKeep.map { "\($0)" } ?? "", reload: false, isPart: true),
            ConfigurationEntry("domains.\(name).rooms", "\(hasRooms)", reload: false, isPart: true),
        ]
    }
}
