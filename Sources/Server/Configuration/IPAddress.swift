/// An IPv4 or IPv6 address; an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) equals its IPv4 address.
package struct IPAddress: Hashable, Sendable {
    /// 128 bits in host order; IPv4 addresses live in `::ffff:0:0/96`.
    let bits: UInt128

    static let mappedPrefix: UInt128 = 0xffff << 32

    init(bits: UInt128) {
        self.bits = bits
    }

    /// From the four or sixteen bytes of a socket address in network order; nil for any other count.
    package init?(bytes: some Collection<UInt8>) {
        let bits = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        switch bytes.count {
        case 4: self.bits = Self.mappedPrefix | bits
        case 16: self.bits = bits
        default: return nil
        }
    }

    /// In network order: four bytes for IPv4, sixteen for IPv6.
    package var bytes: [UInt8] {
        (0..<(isIPv4 ? 4 : 16)).reversed().map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
    }

    /// From text: `192.0.2.1` without leading zeros, or any form of RFC 4291, section 2.2, without a zone.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        if let address = Self.dottedQuad(bytes[...]) {
            bits = Self.mappedPrefix | UInt128(address)
        } else if let groups = Self.groups(bytes) {
            bits = groups.reduce(0) { $0 << 16 | UInt128($1) }
        } else {
            return nil
        }
    }

    package var isIPv4: Bool { bits >> 32 == 0xffff }

    /// `127.0.0.0/8` or `::1`: reachable from this machine alone.
    package var isLoopback: Bool { isIPv4 ? UInt32(truncatingIfNeeded: bits) >> 24 == 127 : bits == 1 }

    /// `0.0.0.0` or `::`: every address of this machine, when listening.
    package var isUnspecified: Bool { isIPv4 ? UInt32(truncatingIfNeeded: bits) == 0 : bits == 0 }

    private static func dottedQuad(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }),
                part.count == 1 || part.first != 0x30,
                let value = UInt8(String(decoding: part, as: UTF8.self))
            else { return nil }
            address = address << 8 | UInt32(value)
        }
        return address
    }

    /// The eight groups of an IPv6 address.
    private static func groups(_ bytes: [UInt8]) -> [UInt16]? {
        let colon = UInt8(ascii: ":")
        guard let gap = bytes.indices.dropLast().first(where: { bytes[$0] == colon && bytes[$0 + 1] == colon }) else {
            guard let all = groups(in: bytes[...], mayEndInIPv4: true), all.count == 8 else { return nil }
            return all
        }
        guard let head = groups(in: bytes[..<gap], mayEndInIPv4: false),
            let tail = groups(in: bytes[(gap + 2)...], mayEndInIPv4: true), head.count + tail.count < 8
        else { return nil }
        return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    private static func groups(in bytes: ArraySlice<UInt8>, mayEndInIPv4: Bool) -> [UInt16]? {
        if bytes.isEmpty { return [] }
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if mayEndInIPv4, index == parts.count - 1, let address = dottedQuad(part) {
                groups += [UInt16(address >> 16), UInt16(truncatingIfNeeded: address)]
            } else if (1...4).contains(part.count), part.first != UInt8(ascii: "+"), part.first != UInt8(ascii: "-"),
                let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
            {
                groups.append(group)
            } else {
                return nil
            }
        }
        return groups
    }
}

extension IPAddress: CustomStringConvertible {
    /// The canonical text (RFC 5952); IPv4 in dotted form.
    package var description: String {
        if isIPv4 {
            return (0..<4).reversed().map { String(UInt8(truncatingIfNeeded: bits >> ($0 * 8))) }.joined(separator: ".")
        }
        let groups = (0..<8).reversed().map { UInt16(truncatingIfNeeded: bits >> ($0 * 16)) }
        func text(_ groups: some Sequence<UInt16>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard let gap = Self.longestZeros(groups) else { return text(groups) }
        return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
    }

    /// The first of the longest runs of at least two zero groups.
    private static func longestZeros(_ groups: [UInt16]) -> Range<Int>? {
        var longest = 0..<1
        var start = 0
        for index in 0...groups.count where index == groups.count || groups[index] != 0 {
            if index - start > longest.count { longest = start..<index }
            start = index + 1
        }
        return longest.count > 1 ? longest : nil
    }
}
