/// How names of domains and addresses are compared in certificates and SNI (RFC 6066 section 3, RFC 9525).

import Glibc

enum IPAddress {
    /// Whether `text` is an IPv4 or IPv6 address rather than a name of a domain.
    static func isLiteral(_ text: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1
    }
}

extension String {
    /// Only ASCII letters count: names in certificates and SNI are A-labels.
    var asciiLowercased: String {
        guard utf8.contains(where: { (0x41...0x5A).contains($0) }) else { return self }
        return String(decoding: utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// Lower case and without the dot of a fully qualified name.
    var normalizedDomain: String {
        let lowercased = asciiLowercased
        return lowercased.hasSuffix(".") ? String(lowercased.dropLast()) : lowercased
    }
}
