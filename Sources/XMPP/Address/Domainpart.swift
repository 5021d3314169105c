import Glibc

/// The part of an address that names a service: a domain name or an IP address (RFC 7622 §3.2).
///
/// A domain name is kept as U-labels in lower case; an IPv4 address is a domain name of digits here.
enum Domainpart {
    static func prepare(_ text: String) throws(JIDError) -> String {
        let prepared: String
        if text.utf8.first == UInt8(ascii: "[") {
            prepared = try prepareIPv6(text)
        } else {
            prepared = try prepareName(text)
        }
        guard prepared.utf8.count <= JIDStorage.partLimit else { throw JIDError(.domainpart, .tooLong) }
        return prepared
    }

    private static func prepareName(_ text: String) throws(JIDError) -> String {
        var name = map(text)
        if name.utf8.last == UInt8(ascii: ".") { name.unicodeScalars.removeLast() }
        guard !name.isEmpty else { throw JIDError(.domainpart, .text(.empty)) }

        var labels: [String] = []
        for given in name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            let given = String(Substring(given))
            do {
                labels.append(try DomainLabel.prepare(given))
            } catch {
                throw JIDError(.domainpart, .label(given, error))
            }
        }
        // One right-to-left label puts all labels of the name under the rule (RFC 5893 §2).
        if labels.contains(where: { BidiRule.applies(to: $0.unicodeScalars) }) {
            for label in labels where !BidiRule.isSatisfied(by: Array(label.unicodeScalars)) {
                throw JIDError(.domainpart, .label(label, .text(.mixedDirections)))
            }
        }
        return labels.joined(separator: ".")
    }

    /// Maps case, width and composition, and the ideographic full stop (RFC 5895 §2).
    private static func map(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text.lowercased() }
        // Each character by itself: Unicode's rule for a final sigma would look across the dots of the name. Cherokee's
        // upper-case letters are valid as they are, since case folding maps to them.
        let lower = text.unicodeScalars.map {
            DerivedProperty.idna($0) == .valid ? String($0) : UnicodeMapping.lowercased(String($0)) ?? ""
        }.joined()
        let mapped = UnicodeMapping.widthMapped(lower)
        return UnicodeMapping.mapped(UnicodeMapping.composed(mapped) ?? mapped) { $0 == "\u{3002}" ? "." : $0 }
    }

    /// An IPv6 address in brackets, in the form of RFC 5952. Zone identifiers are gone with RFC 9844.
    private static func prepareIPv6(_ text: String) throws(JIDError) -> String {
        let error = JIDError(.domainpart, .notIPv6)
        guard text.utf8.last == UInt8(ascii: "]"), text.utf8.count <= 2 + Int(INET6_ADDRSTRLEN) else { throw error }
        let digits = String(text.unicodeScalars.dropFirst().dropLast())
        // inet_pton stops at a zero byte.
        guard !digits.utf8.contains(0) else { throw error }
        var address = in6_addr()
        guard inet_pton(AF_INET6, digits, &address) == 1 else { throw error }
        let canonical = [CChar](unsafeUninitializedCapacity: Int(INET6_ADDRSTRLEN)) { buffer, count in
            let end = inet_ntop(AF_INET6, &address, buffer.baseAddress, socklen_t(buffer.count))
            count = end == nil ? 0 : strlen(buffer.baseAddress!)
        }
        return "[" + String(decoding: canonical.map { UInt8(bitPattern: $0) }, as: UTF8.self) + "]"
    }
}
