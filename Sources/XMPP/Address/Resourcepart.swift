/// The part of an address after the `/`: a connected client or an occupant of a room (RFC 7622 §3.4).
enum Resourcepart {
    static func prepare(_ text: String) throws(JIDError) -> String {
        guard !text.isEmpty else { throw JIDError(.resourcepart, .empty) }
        for scalar in text.unicodeScalars
        where !scalar.isASCII || !ASCIIClass.resource.contains(UInt8(scalar.value)) {
            throw JIDError(.resourcepart, .forbidden(scalar))
        }
        guard text.utf8.count <= JIDStorage.partLimit else { throw JIDError(.resourcepart, .tooLong) }
        return text
    }
}
