/// The names a server put before a client: mechanisms and channel-binding types (RFC 6120 §6.4.1, XEP-0440), and the
/// hash over both by which the client detects that somebody changed them on the way (XEP-0474).
package struct SASLAdvertisement: Hashable, Sendable {
    /// Every mechanism in the one list the client used, `<mechanisms/>` or SASL2's `<authentication/>`, including
    /// those that no machine of this module speaks.
    package var mechanisms: [String]

    /// The types in `<sasl-channel-binding/>`; empty when that element was not sent, for it is never sent empty.
    package var channelBindingTypes: [String]

    package init(mechanisms: [String], channelBindingTypes: [String]) {
        self.mechanisms = mechanisms
        self.channelBindingTypes = channelBindingTypes
    }

    /// The value of SCRAM's attribute `h`, Base 64 encoded.
    func downgradeProtectionHash(_ hash: ScramHash) -> [UInt8] {
        Base64.encode(hash.digest(protectedText))
    }

    /// Both lists sorted by octets and joined; the separators cannot occur in XML.
    private var protectedText: [UInt8] {
        var text = SASLAdvertisement.joined(mechanisms)
        if !channelBindingTypes.isEmpty {
            text.append(0x1F)
            text += SASLAdvertisement.joined(channelBindingTypes)
        }
        return text
    }

    /// The values of the attribute `h` for all hash functions at once, for exchanges alike.
    package func downgradeProtection(_ hashes: [ScramHash]) -> [ScramHash.Name: [UInt8]] {
        Dictionary(uniqueKeysWithValues: hashes.map { ($0.name, downgradeProtectionHash($0)) })
    }

    private static func joined(_ names: [String]) -> [UInt8] {
        let sorted = names.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        return Array(sorted.joined(separator: [0x1E]))
    }
}
