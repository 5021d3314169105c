import Glibc

/// The bytes of an address with the places of its parts and a hash, in one allocation; immutable after creation.
final class JIDStorage: ManagedBuffer<JIDStorage.Header, UInt8> {
    struct Header {
        /// Hash of all bytes. Swift's `Hasher` is seeded per process, so that nobody can send colliding addresses.
        let hash: UInt64
        /// The bare address of a full one; nil for a bare address, which would otherwise retain itself.
        let bare: JIDStorage?
        /// Bytes of the whole address.
        let count: UInt16
        /// Where the domainpart starts: 0, or one after the `@`.
        let domainStart: UInt16
        /// Where the domainpart ends: `count`, or the place of the `/`.
        let domainEnd: UInt16
        /// Whether all bytes stand for themselves in XML.
        let isPlain: Bool
    }

    /// The most bytes that each part may have (RFC 7622 §3.2–3.4).
    static let partLimit = 1023

    /// Stores a prepared address. `domainStart` and `domainEnd` are places in `bytes`, as in `Header`.
    static func create(_ bytes: UnsafeRawBufferPointer, domainStart: Int, domainEnd: Int) -> JIDStorage {
        var hasher = Hasher()
        let bareBytes = UnsafeRawBufferPointer(rebasing: bytes[..<domainEnd])
        hasher.combine(bytes: bareBytes)
        let bare = allocate(bareBytes, hasher, bare: nil, domainStart: domainStart, domainEnd: domainEnd)
        guard domainEnd < bytes.count else { return bare }
        hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: bytes[domainEnd...]))
        return allocate(bytes, hasher, bare: bare, domainStart: domainStart, domainEnd: domainEnd)
    }

    /// Stores prepared parts.
    static func create(local: String?, domain: String, resource: String?) -> JIDStorage {
        var text = local.map { $0 + "@" } ?? ""
        let domainStart = text.utf8.count
        text += domain
        let domainEnd = text.utf8.count
        if let resource {
            text += "/"
            text += resource
        }
        return text.withUTF8 {
            create(UnsafeRawBufferPointer($0), domainStart: domainStart, domainEnd: domainEnd)
        }
    }

    /// Stores a full address beside its bare one, which is shared. The resourcepart is prepared.
    static func create(bare: JIDStorage, resource: String) -> JIDStorage {
        bare.withBytes { header, start in
            let bareCount = Int(header.count)
            var resource = resource
            return resource.withUTF8 { resource in
                withUnsafeTemporaryAllocation(byteCount: bareCount + 1 + resource.count, alignment: 1) { bytes in
                    bytes.copyMemory(from: UnsafeRawBufferPointer(start: start, count: bareCount))
                    bytes[bareCount] = UInt8(ascii: "/")
                    UnsafeMutableRawBufferPointer(rebasing: bytes[(bareCount + 1)...])
                        .copyMemory(from: UnsafeRawBufferPointer(resource))
                    var hasher = Hasher()
                    hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: bytes[..<bareCount]))
                    hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: bytes[bareCount...]))
                    return allocate(
                        UnsafeRawBufferPointer(bytes), hasher, bare: bare, domainStart: Int(header.domainStart),
                        domainEnd: bareCount)
                }
            }
        }
    }

    private static func allocate(
        _ bytes: UnsafeRawBufferPointer, _ hasher: consuming Hasher, bare: JIDStorage?, domainStart: Int,
        domainEnd: Int
    ) -> JIDStorage {
        let hash = UInt64(truncatingIfNeeded: hasher.finalize())
        let buffer = create(minimumCapacity: bytes.count) { _ in
            Header(
                hash: hash, bare: bare, count: UInt16(bytes.count), domainStart: UInt16(domainStart),
                domainEnd: UInt16(domainEnd), isPlain: !bytes.contains(where: Escaping.isNeeded))
        }
        buffer.withUnsafeMutablePointerToElements { elements in
            UnsafeMutableRawBufferPointer(start: elements, count: bytes.count).copyMemory(from: bytes)
        }
        return unsafeDowncast(buffer, to: JIDStorage.self)
    }

    /// The storage of the bare address.
    var bare: JIDStorage { header.bare ?? self }

    func withBytes<R, E: Error>(_ body: (Header, UnsafePointer<UInt8>) throws(E) -> R) throws(E) -> R {
        try withUnsafeMutablePointers { (header, elements) throws(E) in
            try body(header.pointee, UnsafePointer(elements))
        }
    }

    func hasSameBytes(as other: JIDStorage) -> Bool {
        if self === other { return true }
        return withUnsafeMutablePointers { header, bytes in
            other.withUnsafeMutablePointers { otherHeader, otherBytes in
                header.pointee.hash == otherHeader.pointee.hash
                    && header.pointee.count == otherHeader.pointee.count
                    && memcmp(bytes, otherBytes, Int(header.pointee.count)) == 0
            }
        }
    }
}
