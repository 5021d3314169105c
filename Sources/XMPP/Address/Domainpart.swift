/// The part of an address that names a service: a domain name or an IP address (RFC 7622 §3.2).
enum Domainpart {
    static func prepare(_ text: String) throws(JIDError) -> String {
        var lower = text.lowercased()
        if lower.utf8.last == UInt8(ascii: ".") { lower.removeLast() }
        guard !lower.isEmpty else { throw JIDError(.domainpart, .empty) }
        for scalar in lower.unicodeScalars where scalar != "." {
            guard scalar.isASCII, ASCIIClass.label.contains(UInt8(scalar.value)) else {
                throw JIDError(.domainpart, .forbidden(scalar))
            }
        }
        guard lower.utf8.count <= JIDStorage.partLimit else { throw JIDError(.domainpart, .tooLong) }
        return lower
    }
}
