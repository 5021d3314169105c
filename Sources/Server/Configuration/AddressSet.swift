/// A set of IP addresses given as single addresses and networks (CIDR, RFC 4632 and RFC 4291, section 2.3).
package struct AddressSet: Hashable, Sendable {
    /// An address with the number of leading bits that count.
    struct Network: Hashable, Sendable {
        let address: IPAddress
        /// Of 128 bits; an IPv4 network has at least 96.
        let prefix: Int

        var mask: UInt128 { prefix == 0 ? 0 : ~0 << (128 - UInt128(prefix)) }

        func contains(_ other: IPAddress) -> Bool {
            // `::/0` means every IPv6 address: a short prefix must not cover the mapped IPv4 ones by accident.
            (prefix >= 96 || !other.isIPv4) && other.bits & mask == address.bits
        }
    }

    /// Why a text is no address and no network, in words that follow the quoted text.
    struct Problem: Error, Equatable {
        let text: String
    }

    private(set) var networks: [Network]

    /// `127.0.0.0/8` and `::1`.
    package static let loopback = AddressSet(networks: [
        Network(address: IPAddress(bits: IPAddress.mappedPrefix | 127 << 24), prefix: 104),
        Network(address: IPAddress(bits: 1), prefix: 128),
    ])

    init(networks: [Network]) {
        self.networks = networks
    }

    init(_ texts: [String]) throws(Problem) {
        networks = []
        for text in texts { networks.append(try Self.network(text)) }
    }

    /// Whether an address belongs to the set.
    package func contains(_ address: IPAddress) -> Bool {
        networks.contains { $0.contains(address) }
    }

    static func network(_ text: String) throws(Problem) -> Network {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)) else {
            throw Problem(text: "is not an IP address or network such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32")
        }
        guard parts.count == 2 else { return Network(address: address, prefix: 128) }
        // `::ffff:10.0.0.0/104` counts its prefix in 128 bits, `10.0.0.0/8` in 32.
        let isDotted = !first.contains(":")
        let width = isDotted ? 32 : 128
        guard let length = Int(parts[1]), (0...width).contains(length), parts[1].allSatisfy(\.isNumber) else {
            throw Problem(text: "must have a prefix length from 0 to \(width) after the slash")
        }
        let network = Network(address: address, prefix: length + 128 - width)
        let masked = Network(address: IPAddress(bits: address.bits & network.mask), prefix: network.prefix)
        guard masked == network else {
            throw Problem(text: "has bits set beyond its prefix; did you mean \(masked.address)/\(length)?")
        }
        return network
    }
}

extension AddressSet.Network: CustomStringConvertible {
    var description: String {
        if prefix == 128 { return "\(address)" }
        return "\(address)/\(address.isIPv4 ? prefix - 96 : prefix)"
    }
}
