/// The part of an address before the `@`: an account or a room (RFC 7622 §3.3).
enum Localpart {
    static func prepare(_ text: String) throws(JIDError) -> String {
        guard !text.isEmpty else { throw JIDError(.localpart, .empty) }
        let lower = text.lowercased()
        for scalar in lower.unicodeScalars where !scalar.isASCII || !ASCIIClass.local.contains(UInt8(scalar.value)) {
            throw JIDError(.localpart, .forbidden(scalar))
        }
        guard lower.utf8.count <= JIDStorage.partLimit else { throw JIDError(.localpart, .tooLong) }
        return lower
    }
}
