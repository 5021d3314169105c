/// The part of an address after the `/`: a connected client or an occupant of a room (RFC 7622 §3.4).
enum Resourcepart {
    static func prepare(_ text: String) throws(JIDError) -> String {
        let prepared: String
        do {
            prepared = try Precis.opaqueString(text)
        } catch {
            throw JIDError(.resourcepart, .text(error))
        }
        guard prepared.utf8.count <= JIDStorage.partLimit else { throw JIDError(.resourcepart, .tooLong) }
        return prepared
    }
}
