package import NIOCore

/// The stanzas that were sent on a managed stream and not acknowledged by its peer yet (XEP-0198 §4).
package struct UnacknowledgedStanzas: Sendable {
    private struct Entry {
        let size: Int32
        let sent: DateTime
    }

    /// A peer has acknowledged more than it was sent (§6).
    package struct TooMany: Error, Equatable {
        package let acknowledged: UInt32
        package let sent: UInt32
    }

    /// One after the other, as they were sent.
    private var bytes = ByteBuffer()
    private var entries = CircularBuffer<Entry>(initialCapacity: 0)
    /// How many the peer has acknowledged, modulo 2³².
    package private(set) var acknowledged: UInt32 = 0

    /// - Parameter acknowledged: what the count begins with.
    package init(acknowledged: UInt32 = 0) {
        self.acknowledged = acknowledged
    }

    /// How many were sent, modulo 2³².
    package var sent: UInt32 { acknowledged &+ UInt32(entries.count) }
    package var count: Int { entries.count }
    package var byteCount: Int { bytes.readableBytes }
    package var isEmpty: Bool { entries.isEmpty }

    /// A stanza is being sent.
    /// - Parameter write: appends it, serialised.
    /// - Returns: its bytes, to be let go of before the next one comes.
    package mutating func append(at time: DateTime, _ write: (inout ByteBuffer) -> Void) -> ByteBuffer {
        let start = bytes.writerIndex
        write(&bytes)
        let size = bytes.writerIndex - start
        entries.append(Entry(size: Int32(size), sent: time))
        return bytes.getSlice(at: start, length: size) ?? ByteBuffer()
    }

    /// The peer has handled all stanzas up to number `h`.
    package mutating func acknowledge(_ h: UInt32) throws(TooMany) {
        let count = Int(h &- acknowledged)
        guard count <= entries.count else { throw TooMany(acknowledged: h, sent: sent) }
        for _ in 0..<count { bytes.moveReaderIndex(forwardBy: Int(entries.removeFirst().size)) }
        acknowledged = h
        if entries.isEmpty {
            // Most of the time nothing waits, on most streams.
            bytes = ByteBuffer()
            entries = CircularBuffer(initialCapacity: 0)
        } else if bytes.readerIndex > 4_096 {
            bytes.discardReadBytes()
        }
    }

    /// All of them as they are to be sent again on a resumed stream (§5).
    package var all: ByteBuffer { bytes }

    /// Each with the time when it was first sent.
    package var each: [(stanza: ByteBuffer, sent: DateTime)] {
        var rest = bytes
        return entries.compactMap { entry in rest.readSlice(length: Int(entry.size)).map { ($0, entry.sent) } }
    }
}
