package import NIOCore

/// A stanza for many receivers, serialised once: for each of them only the address is put in its place.
package final class Circular: Sendable {
    /// `<`, and the name of the stanza.
    private let start: ByteBuffer
    /// What follows the address.
    private let rest: ByteBuffer

    /// - Parameter stanza: its own receiver does not matter.
    package init(_ stanza: Stanza) {
        var stanza = stanza
        stanza.to = nil
        var bytes = stanza.serialized
        start = bytes.readSlice(length: stanza.kind.nameLength + 1) ?? ByteBuffer()
        rest = bytes
    }

    package func write(to receiver: JID, into buffer: inout ByteBuffer) {
        buffer.writeImmutableBuffer(start)
        buffer.writePieces { $0.write(" to='", receiver) }
        buffer.writeImmutableBuffer(rest)
    }

    /// The stanza for one receiver, in a buffer of its own.
    package func serialized(to receiver: JID) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: start.readableBytes + rest.readableBytes + 128)
        write(to: receiver, into: &buffer)
        return buffer
    }
}

extension Stanza.Kind {
    fileprivate var nameLength: Int {
        switch self {
        case .message: 7
        case .presence: 8
        case .iq: 2
        }
    }
}
