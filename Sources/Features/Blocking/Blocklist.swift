package import XMPP

/// The addresses that a user does not want to hear from or to write to (XEP-0191).
package struct Blocklist: Sendable, Equatable {
    package private(set) var addresses: Set<JID>
    /// Whether one of the addresses is a domain, so that domains need only be compared where that can matter.
    private var hasDomain: Bool

    package init(_ addresses: Set<JID> = []) {
        self.addresses = addresses
        hasDomain = addresses.contains(where: \.isDomain)
    }

    package var isEmpty: Bool { addresses.isEmpty }

    /// Whether an address is blocked: as it is, by its bare address, or by its domain (§6).
    package func matches(_ address: JID) -> Bool {
        guard !addresses.isEmpty else { return false }
        return addresses.contains(address) || addresses.contains(address.bare)
            || hasDomain && addresses.contains(address.domainJID)
    }

    package mutating func block(_ addresses: Set<JID>) { self = Self(self.addresses.union(addresses)) }

    package mutating func unblock(_ addresses: Set<JID>) { self = Self(self.addresses.subtracting(addresses)) }
}
