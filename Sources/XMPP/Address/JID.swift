/// An XMPP address: `localpart@domainpart/resourcepart`, prepared and validated (RFC 7622).
///
/// A value is one reference, so it is cheap to copy, compare and hash. Two addresses are equal when their prepared bytes
/// are; nothing is prepared again after creation.
///
/// `@unchecked Sendable`: the storage is immutable after creation.
package struct JID: Hashable, @unchecked Sendable, CustomStringConvertible {
    let storage: JIDStorage

    init(storage: JIDStorage) {
        self.storage = storage
    }

    // MARK: Creation

    /// Parses and prepares an address. Throws `JIDError` naming the part at fault.
    package init(_ string: String) throws(JIDError) {
        var string = string
        let result = string.withUTF8 { bytes in
            Result { () throws(JIDError) in try JID(utf8: UnsafeRawBufferPointer(bytes)) }
        }
        self = try result.get()
    }

    /// Parses and prepares an address given as UTF-8. Bytes that are not UTF-8 are an error, never a trap.
    package init(utf8 bytes: UnsafeRawBufferPointer) throws(JIDError) {
        if let storage = JIDParser.parsePrepared(bytes) {
            self.storage = storage
        } else {
            storage = try JIDParser.parse(bytes)
        }
    }

    /// Prepares each part by itself, so that a `/` or `@` in one part never moves into another.
    package init(local: String?, domain: String, resource: String?) throws(JIDError) {
        storage = try JIDParser.prepare(local: local, domain: domain, resource: resource)
    }

    /// An address of a domain, whose domainpart is prepared already; the localpart is prepared.
    package init(local: String, of domain: JID) throws(JIDError) {
        storage = JIDStorage.create(local: try Localpart.prepare(local), domain: domain.domain, resource: nil)
    }

    /// The same localpart and domainpart with another resourcepart, which is prepared.
    package func with(resource: String) throws(JIDError) -> JID {
        JID(storage: JIDStorage.create(bare: storage.bare, resource: try Resourcepart.prepare(resource)))
    }

    // MARK: Parts

    /// The address without its resourcepart; never allocates.
    package var bare: JID { JID(storage: storage.bare) }

    /// The domainpart as an address; allocates unless it is this address.
    package var domainJID: JID {
        if isDomain { return self }
        return withDomainUTF8 {
            JID(storage: JIDStorage.create(UnsafeRawBufferPointer($0), domainStart: 0, domainEnd: $0.count))
        }
    }

    /// Has no resourcepart.
    package var isBare: Bool { storage.header.bare == nil }

    /// Has neither localpart nor resourcepart.
    package var isDomain: Bool { storage.header.bare == nil && storage.header.domainStart == 0 }

    /// Has a resourcepart.
    package var isFull: Bool { storage.header.bare != nil }

    package var local: String? { withLocalUTF8 { $0.map { String(decoding: $0, as: UTF8.self) } } }

    package var domain: String { withDomainUTF8 { String(decoding: $0, as: UTF8.self) } }

    package var resource: String? { withResourceUTF8 { $0.map { String(decoding: $0, as: UTF8.self) } } }

    package var description: String { withUTF8 { String(decoding: $0, as: UTF8.self) } }

    /// Whether the address can be written into XML as it is.
    var isPlain: Bool { storage.header.isPlain }

    // MARK: Bytes

    /// The whole address; the buffer is valid only inside `body`.
    package func withUTF8<R, E: Error>(_ body: (UnsafeBufferPointer<UInt8>) throws(E) -> R) throws(E) -> R {
        try storage.withBytes { (header, start) throws(E) in
            try body(UnsafeBufferPointer(start: start, count: Int(header.count)))
        }
    }

    /// The localpart, or nil without one; the buffer is valid only inside `body`.
    package func withLocalUTF8<R, E: Error>(_ body: (UnsafeBufferPointer<UInt8>?) throws(E) -> R) throws(E) -> R {
        try storage.withBytes { (header, start) throws(E) in
            try body(
                header.domainStart == 0
                    ? nil : UnsafeBufferPointer(start: start, count: Int(header.domainStart) - 1))
        }
    }

    /// The domainpart; the buffer is valid only inside `body`.
    package func withDomainUTF8<R, E: Error>(_ body: (UnsafeBufferPointer<UInt8>) throws(E) -> R) throws(E) -> R {
        try storage.withBytes { (header, start) throws(E) in
            try body(
                UnsafeBufferPointer(
                    start: start + Int(header.domainStart), count: Int(header.domainEnd - header.domainStart)))
        }
    }

    /// The resourcepart, or nil without one; the buffer is valid only inside `body`.
    package func withResourceUTF8<R, E: Error>(_ body: (UnsafeBufferPointer<UInt8>?) throws(E) -> R) throws(E) -> R {
        try storage.withBytes { (header, start) throws(E) in
            try body(
                header.domainEnd == header.count
                    ? nil
                    : UnsafeBufferPointer(
                        start: start + Int(header.domainEnd) + 1, count: Int(header.count - header.domainEnd) - 1))
        }
    }

    // MARK: Comparison

    package static func == (left: JID, right: JID) -> Bool {
        left.storage.hasSameBytes(as: right.storage)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(storage.header.hash)
    }

    /// A hash that costs nothing, for tables of tables; other than `hashValue` it is never mixed again.
    package var storedHash: Int { Int(truncatingIfNeeded: storage.header.hash) }

    /// Whether both addresses have the same localpart and domainpart.
    package func hasSameBare(as other: JID) -> Bool {
        storage.bare.hasSameBytes(as: other.storage.bare)
    }

    /// Whether both addresses have the same domainpart.
    package func hasSameDomain(as other: JID) -> Bool {
        withDomainUTF8 { mine in
            other.withDomainUTF8 { theirs in
                UnsafeRawBufferPointer(mine).hasSameBytes(as: UnsafeRawBufferPointer(theirs))
            }
        }
    }
}
