/// Finds the parts of an address and has them prepared (RFC 7622 §3.1–3.2).
enum JIDParser {
    /// Stores an address that is already prepared ASCII, the usual case, in one pass; nil for anything else.
    static func parsePrepared(_ bytes: UnsafeRawBufferPointer) -> JIDStorage? {
        var place = 0
        while place < bytes.count, ASCIIClass.local.contains(bytes[place]) { place += 1 }

        var domainStart = 0
        if place < bytes.count, bytes[place] == UInt8(ascii: "@") {
            guard place > 0, place <= JIDStorage.partLimit else { return nil }
            domainStart = place + 1
        }

        guard let domainEnd = endOfPreparedDomain(bytes, from: domainStart) else { return nil }
        if domainEnd < bytes.count {
            let resource = UnsafeRawBufferPointer(rebasing: bytes[(domainEnd + 1)...])
            guard 1...JIDStorage.partLimit ~= resource.count, resource.allSatisfy(ASCIIClass.resource.contains) else {
                return nil
            }
        }
        return JIDStorage.create(bytes, domainStart: domainStart, domainEnd: domainEnd)
    }

    /// The end of a domainpart made of NR-LDH labels (RFC 5890 §2.3.1): the place of the `/` or the end of the bytes.
    /// Nil when the domainpart is something else or has a final dot.
    private static func endOfPreparedDomain(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var labelStart = start
        var place = start
        while true {
            while place < bytes.count, ASCIIClass.label.contains(bytes[place]) { place += 1 }
            let label = UnsafeRawBufferPointer(rebasing: bytes[labelStart..<place])
            guard 1...63 ~= label.count, isNonReserved(label) else { return nil }
            guard place < bytes.count, bytes[place] == UInt8(ascii: ".") else { break }
            place += 1
            labelStart = place
        }
        guard place - start <= JIDStorage.partLimit, place == bytes.count || bytes[place] == UInt8(ascii: "/") else {
            return nil
        }
        return place
    }

    /// Whether no hyphen is first, last, or third and fourth, as in the `xn--` of an A-label.
    private static func isNonReserved(_ label: UnsafeRawBufferPointer) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return label[0] != hyphen && label[label.count - 1] != hyphen
            && !(label.count >= 4 && label[2] == hyphen && label[3] == hyphen)
    }

    /// Splits an address at its first `/`, then at the first `@` before it, and prepares each part.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(JIDError) -> JIDStorage {
        // Each part may be longer before preparation than after it, but not by this much.
        guard bytes.count <= 16 * JIDStorage.partLimit else { throw JIDError(.address, .tooLong) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw JIDError(.address, .notUTF8) }
        let slash = text.utf8.firstIndex(of: UInt8(ascii: "/"))
        let bare = text[..<(slash ?? text.endIndex)]
        let at = bare.utf8.firstIndex(of: UInt8(ascii: "@"))
        return try prepare(
            local: at.map { String(bare[..<$0]) },
            domain: String(at.map { bare[bare.utf8.index(after: $0)...] } ?? bare),
            resource: slash.map { String(text[text.utf8.index(after: $0)...]) })
    }

    /// Prepares the parts of an address by themselves.
    static func prepare(local: String?, domain: String, resource: String?) throws(JIDError) -> JIDStorage {
        var preparedLocal: String?
        if let local { preparedLocal = try Localpart.prepare(local) }
        var preparedResource: String?
        if let resource { preparedResource = try Resourcepart.prepare(resource) }
        return JIDStorage.create(
            local: preparedLocal, domain: try Domainpart.prepare(domain), resource: preparedResource)
    }
}
