/// Where else to connect to: a domain or an IP address, and perhaps a port (RFC 6120, section 4.9.3.19).
package struct OtherHost: Hashable, Sendable {
    /// A prepared domain name, or an IP address; an IPv6 address in brackets.
    package let name: String
    package let port: Int?

    /// Nil if the text is not of the form `domain`, `192.0.2.1` or `[2001:db8::1]`, each with `:port` behind it or not.
    init?(_ text: String, prepareDomain: Configuration.DomainPreparation = Configuration.prepareASCIIDomain) {
        let rest: Substring
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]"),
                let address = IPAddress(String(text[text.index(after: text.startIndex)..<end])), !address.isIPv4
            else { return nil }
            name = "[\(address)]"
            rest = text[text.index(after: end)...]
        } else {
            let host = String(text.prefix { $0 != ":" })
            rest = text.dropFirst(host.count)
            if let address = IPAddress(host) {
                name = address.description
            } else if host.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }) {
                // Neither an address nor the name of a host.
                return nil
            } else if let domain = try? prepareDomain(host) {
                name = domain
            } else {
                return nil
            }
        }
        if rest.isEmpty {
            port = nil
        } else {
            let digits = rest.dropFirst()
            guard rest.first == ":", (1...5).contains(digits.utf8.count),
                digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(digits), number > 0
            else { return nil }
            port = Int(number)
        }
    }
}

extension OtherHost: CustomStringConvertible {
    /// As it stands in `<see-other-host/>`.
    package var description: String { port.map { "\(name):\($0)" } ?? name }
}
