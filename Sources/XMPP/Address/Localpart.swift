/// The part of an address before the `@`: an account or a room (RFC 7622 §3.3).
enum Localpart {
    static func prepare(_ text: String) throws(JIDError) -> String {
        let prepared: String
        do {
            prepared = try Precis.usernameCaseMapped(text)
        } catch {
            throw JIDError(.localpart, .text(error))
        }
        // The characters that RFC 7622 §3.3.1 excludes on top of the profile are all ASCII.
        if let excluded = prepared.unicodeScalars.first(where: {
            $0.isASCII && !ASCIIClass.local.contains(UInt8($0.value))
        }) {
            throw JIDError(.localpart, .text(.forbidden(excluded)))
        }
        guard prepared.utf8.count <= JIDStorage.partLimit else { throw JIDError(.localpart, .tooLong) }
        return prepared
    }
}
