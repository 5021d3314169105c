/// The address of one LDAP server and how the connection to it is protected (RFC 4516, section 2).
struct DirectoryServerAddress: Sendable, Equatable, CustomStringConvertible {
    let host: String
    let port: Int
    let security: DirectoryConfiguration.Security

    var description: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return "\(security == .ldaps ? "ldaps" : "ldap")://\(host):\(port)"
    }

    init(_ text: String, security wanted: DirectoryConfiguration.Security?) throws(DirectoryProblem) {
        func problem(_ reason: String) -> DirectoryProblem {
            DirectoryProblem(key: "servers", text: "\"\(text)\" \(reason)")
        }
        let rest: Substring
        if text.hasPrefix("ldap://") {
            guard wanted != .ldaps else {
                throw problem("starts in clear, but tls is ldaps; write ldaps:// or tls: starttls")
            }
            (rest, security) = (text.dropFirst(7), wanted ?? .startTLS)
        } else if text.hasPrefix("ldaps://") {
            guard wanted == nil || wanted == .ldaps else {
                throw problem("has TLS from the start, but tls says otherwise; write ldap:// or tls: ldaps")
            }
            (rest, security) = (text.dropFirst(8), .ldaps)
        } else {
            throw problem("is no address of a server; write ldap://host:port or ldaps://host:port")
        }
        let authority = rest.hasSuffix("/") ? rest.dropLast() : rest
        var host = authority
        var digits: Substring?
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = authority[authority.index(after: authority.startIndex)..<end]
            let tail = authority[authority.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else {
                throw problem("has something after the address; write ldap://[::1]:389")
            }
            digits = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = authority.firstIndex(of: ":") {
            (host, digits) = (authority[..<colon], authority[authority.index(after: colon)...])
        }
        guard !host.isEmpty, !host.contains(where: { "/?#@[] ".contains($0) }) else {
            throw problem("names no host, or more than a host and a port; write ldap://host:port")
        }
        if let digits {
            guard let port = Int(digits), 1...65535 ~= port else {
                throw problem("has no valid port; write a number from 1 to 65535")
            }
            self.port = port
        } else {
            port = security == .ldaps ? 636 : 389
        }
        self.host = String(host)
        if security == .none, !Self.isLoopback(self.host) {
            throw problem(
                "would send passwords in clear; write tls: starttls, or use ldaps:// (none is only for 127.0.0.1, ::1 and localhost)"
            )
        }
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
