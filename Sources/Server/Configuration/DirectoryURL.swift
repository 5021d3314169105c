/// A server of a directory, written `ldap://HOST[:PORT]` or `ldaps://HOST[:PORT]` (RFC 4516).
package struct DirectoryURL: Hashable, Sendable {
    /// A host name, or an IP address without brackets.
    package var host: String
    package var port: Int
    /// Whether the URL is `ldaps:`.
    package var isLDAPS: Bool

    package init(host: String, port: Int, isLDAPS: Bool) {
        self.host = host
        self.port = port
        self.isLDAPS = isLDAPS
    }

    /// Nil if the text is no such URL.
    init?(_ url: String) {
        let rest: Substring
        if url.hasPrefix("ldaps://") {
            (isLDAPS, port, rest) = (true, 636, url.dropFirst(8))
        } else if url.hasPrefix("ldap://") {
            (isLDAPS, port, rest) = (false, 389, url.dropFirst(7))
        } else {
            return nil
        }
        // A trailing slash is the empty path, which says no more.
        var authority = rest.hasSuffix("/") ? rest.dropLast() : rest
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = String(authority[authority.index(after: authority.startIndex)..<end])
            guard host.contains(":"), IPAddress(host) != nil else { return nil }
            authority = authority[authority.index(after: end)...]
        } else {
            let end = authority.firstIndex(of: ":") ?? authority.endIndex
            host = String(authority[..<end])
            guard Self.isHost(host) else { return nil }
            authority = authority[end...]
        }
        if authority.isEmpty { return }
        guard authority.first == ":", let number = UInt16(authority.dropFirst()), number > 0 else { return nil }
        port = Int(number)
    }

    /// Whether only this machine can answer.
    var isLoopback: Bool { host == "localhost" || IPAddress(host)?.isLoopback == true }

    private static func isHost(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

extension DirectoryURL: CustomStringConvertible {
    package var description: String {
        "\(isLDAPS ? "ldaps" : "ldap")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
