internal import Logging
package import Server
internal import XMPP

/// XEP-0157: tells how to reach those who run the server, in a form beside its answers to service discovery.
package struct ContactAddresses: Feature {
    package static let xeps = [157, 128]
    package static let settings = roles.map { AnySetting($0.setting) }

    private static let roles: [(field: String, setting: Setting<[String]>)] = [
        role("abuse", "abuse@example.org", "Where to write about abuse of the server: URIs that begin with mailto:, xmpp: or https:."),
        role("admin", "xmpp@example.org", "Where to reach the administrators."),
        role("feedback", "feedback@example.org", "Where users may send praise and complaints."),
        role("sales", "sales@example.org", "Where to ask about buying something."),
        role("security", "security@example.org", "Where to report weaknesses."),
        role("status", "https://status.example.org", "Where to see whether the server is well."),
        role("support", "support@example.org", "Where users find help."),
    ]

    private static func role(_ name: String, _ example: String, _ comment: String) -> (String, Setting<[String]>) {
        let example = example.contains(":") ? example : "mailto:\(example)"
        return ("\(name)-addresses", Setting("contact.\(name)", default: [], example: [example], comment))
    }

    private let fields: [DataForm.Field]

    package init(kernel: Kernel) {
        fields = Self.roles.compactMap { role in
            let addresses = kernel.configuration[role.setting].filter { address in
                // Some receivers refuse a form with anything but URIs in it.
                guard !Self.isURI(address) else { return true }
                kernel.logger.warning(
                    "\(role.setting.path): \"\(address)\" is not a URI and is left out; write mailto:, xmpp: or https: before it")
                return false
            }
            return addresses.isEmpty ? nil : DataForm.Field(role.field, type: "list-multi", values: addresses)
        }
    }

    package var registrations: [[Registration]] {
        guard !fields.isEmpty else { return [] }
        return [Registration.information(DataForm(.result, formType: "http://jabber.org/network/serverinfo", fields))]
    }

    /// Whether a text begins with the scheme of a URI (RFC 3986 §3.1) and has no white space.
    static func isURI(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts[0].first, isLetter(first), !parts[1].isEmpty else { return false }
        return text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f }
            && parts[0].allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || [0x2b, 0x2d, 0x2e].contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }
}
