internal import Server
internal import XMPP

/// Which domains have archives, and for how long.
struct ArchiveRules: Sendable {
    /// For how many milliseconds messages are kept, by domain; nil: for ever. Domains without archives are missing.
    private let keep: [JID: Int64?]

    init(_ configuration: Configuration) {
        var keep: [JID: Int64?] = [:]
        for section in configuration.domains {
            guard let domain = try? JID(section.name), section.hasArchive ?? configuration[Archive.enabled] else { continue }
            let time: Duration? =
                switch section.archiveKeep {
                case .forever: nil
                case .time(let time): time
                case nil: configuration[Archive.keep]
                }
            keep[domain] = .some(time.map { $0.components.seconds * 1_000 })
        }
        self.keep = keep
    }

    var hasArchives: Bool { !keep.isEmpty }

    func hasArchive(_ account: JID) -> Bool { keep[account.domainJID] != nil }

    /// For how many milliseconds an account's messages are kept; nil: for ever.
    func keep(of account: JID) -> Int64? { keep[account.domainJID] ?? nil }

    /// The domains that do not keep messages for ever.
    var limited: [(domain: JID, milliseconds: Int64)] {
        keep.compactMap { domain, time in time.map { (domain, $0) } }
    }

    /// For how long every domain keeps messages at most; nil: for ever.
    /// - Parameter domains: how many there are; those without archives may have had some.
    func longest(of domains: Int) -> Int64? {
        guard keep.count == domains, limited.count == domains else { return nil }
        return limited.map(\.milliseconds).max()
    }
}
