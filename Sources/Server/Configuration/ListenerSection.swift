/// A port that the server listens on, an entry of `listen:`.
package struct ListenerSection: Equatable, Sendable {
    package var kind: Kind
    /// 1 to 65535 from a file; 0, for a free port, only when made by the program.
    package var port: Int
    /// `::` stands for every address, IPv4 included.
    package var address: IPAddress
    package var tls: TLS

    package enum Kind: String, CaseIterable, Sendable {
        case client, server, component, http, https
    }

    package enum TLS: String, CaseIterable, Sendable {
        /// STARTTLS (RFC 6120, section 5), without which nobody may log in.
        case required
        /// TLS from the first byte (XEP-0368).
        case direct
        /// STARTTLS is offered and need not be used.
        case optional
        case none
    }

    /// What is listened on when the file does not say.
    package static let defaults = [
        ListenerSection(kind: .client, port: 5222),
        ListenerSection(kind: .client, port: 5223, tls: .direct),
    ]

    /// What external components connect to when the file does not say.
    package static let component = ListenerSection(kind: .component, port: 5347, address: .loopback, tls: .none)

    package init(kind: Kind, port: Int, address: IPAddress = .everywhere, tls: TLS = .required) {
        self.kind = kind
        self.port = port
        self.address = address
        self.tls = tls
    }
}

extension IPAddress {
    /// `::`
    package static let everywhere = IPAddress(bits: 0)
}

extension ListenerSection {
    static let settings = [
        AnySetting(kindSetting), AnySetting(portSetting), AnySetting(addressSetting), AnySetting(tlsSetting),
    ]

    private static let available: Set<Kind> = [.client, .component]

    private static let kindSetting = Setting(
        "kind", default: Kind.client, "Who connects: \(available.map(\.rawValue).sorted().joined(separator: ", ")).")

    private static let portSetting = Setting("port", default: 5222, in: 1...65_535, "The TCP port.")

    private static let addressSetting = Setting(
        "address", default: "::",
        """
        The address to listen on: \"::\" for all, 0.0.0.0 for all of IPv4, or one of the machine's own. For components \
        127.0.0.1 unless another is written.
        """)

    private static let tlsSetting = Setting(
        "tls", default: TLS.required,
        """
        required: STARTTLS before log-in; direct: TLS from the first byte; optional and none: only on loopback \
        addresses such as 127.0.0.1. Components have none or direct: none by default on a loopback address, elsewhere it \
        has to be written.
        """)

    init(_ section: SectionReader) {
        section.require("kind", "for example \"kind: client\"")
        section.require("port", "clients expect 5222, or 5223 with \"tls: direct\"")
        self.init(
            kind: section.value(of: Self.kindSetting), port: section.value(of: Self.portSetting),
            tls: section.value(of: Self.tlsSetting))
        if let entry = section.entry("kind"), !Self.available.contains(kind) {
            section.report(
                entry.value.position,
                "\(section.path("kind")) \"\(kind.rawValue)\" is not available in this version; remove this entry")
        }
        if kind == .component, section.entry("tls") == nil { tls = .none }
        readAddress(section)
        section.rejectUnknown(known: Self.settings.map(\.path))
    }

    private mutating func readAddress(_ section: SectionReader) {
        let text = section.value(of: Self.addressSetting)
        let entry = section.entry("address")
        if entry == nil, kind == .component {
            address = .loopback
        } else if let parsed = IPAddress(text) {
            address = parsed
        } else if let entry {
            section.report(
                entry.value.position,
                "\(section.path("address")) must be an IP address such as \"::\", 0.0.0.0 or 127.0.0.1, not \(entry.value.found)"
            )
            return
        }
        guard kind != .component else { return checkTLSOfComponents(section) }
        guard tls == .optional || tls == .none, !address.isLoopback, let place = section.entry("tls") else { return }
        section.report(
            place.value.position,
            "\(section.path("tls")) \"\(tls.rawValue)\" would let passwords cross the network unencrypted; "
                + "use required or direct, or listen on a loopback address such as 127.0.0.1")
    }

    /// XEP-0114 knows no STARTTLS; and what components send is as worth protecting as what clients do.
    private func checkTLSOfComponents(_ section: SectionReader) {
        if let place = section.entry("tls"), tls == .required || tls == .optional {
            section.report(
                place.value.position, "\(section.path("tls")) of components is none or direct; there is no STARTTLS for them")
        } else if section.entry("tls") == nil, !address.isLoopback, let place = section.entry("address") {
            section.report(
                place.value.position,
                "\(section.path("address")) would let what components send cross the network unencrypted; add "
                    + "\"tls: direct\", or \"tls: none\" if nobody else is on that network")
        }
    }

    /// Whether the system would refuse to listen on both.
    func collides(with other: ListenerSection) -> Bool {
        guard port == other.port, port != 0 else { return false }
        return address == other.address || covers(other) || other.covers(self)
    }

    private func covers(_ other: ListenerSection) -> Bool {
        address.isUnspecified && (!address.isIPv4 || other.address.isIPv4)
    }
}
