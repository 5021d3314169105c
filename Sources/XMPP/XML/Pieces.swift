internal import NIOCore

/// Small pieces of text on their way into a buffer, appended to it together: to append one by one costs several
/// times as much as to copy it.
struct Pieces: ~Copyable {
    /// What is collected before it is appended; enough for most stanzas.
    private static let capacity = 1_024

    // Valid during `ByteBuffer.writePieces`, which alone makes values of this type.
    private let buffer: UnsafeMutablePointer<ByteBuffer>
    private let room: UnsafeMutableRawBufferPointer
    private var count = 0

    fileprivate init(into buffer: UnsafeMutablePointer<ByteBuffer>, _ room: UnsafeMutableRawBufferPointer) {
        self.buffer = buffer
        self.room = room
    }

    @inline(__always)
    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= room.count - count else { return writeLarge(bytes) }
        guard let start = bytes.baseAddress, let end = room.baseAddress else { return }
        (end + count).copyMemory(from: start, byteCount: bytes.count)
        count += bytes.count
    }

    @inline(__always)
    mutating func write(_ text: StaticString) {
        write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes an attribute whose value needs no escaping.
    /// - Parameter opening: a space, the name, an equals sign and an apostrophe.
    mutating func write(_ opening: StaticString, plain value: StaticString) {
        write(opening)
        write(value)
        write("'")
    }

    mutating func write(_ opening: StaticString, _ value: String) {
        write(opening)
        writeEscaped(value)
        write("'")
    }

    mutating func write(_ opening: StaticString, _ address: JID) {
        write(opening)
        let isPlain = address.isPlain
        address.withUTF8 { isPlain ? write(UnsafeRawBufferPointer($0)) : writeEscaped(UnsafeRawBufferPointer($0)) }
        write("'")
    }

    mutating func write(_ markup: ByteBuffer) { markup.withUnsafeReadableBytes { write($0) } }

    /// Lets something be written that is no piece.
    mutating func writeOthers(_ body: (inout ByteBuffer) -> Void) {
        append()
        body(&buffer.pointee)
    }

    private mutating func writeLarge(_ bytes: UnsafeRawBufferPointer) {
        append()
        if bytes.count <= room.count { write(bytes) } else { buffer.pointee.writeBytes(bytes) }
    }

    /// Writes text so that it can stand in character data and in attribute values of either quote.
    mutating func writeEscaped(_ text: UnsafeRawBufferPointer) {
        var written = 0
        for index in 0..<text.count where Escaping.isNeeded(by: text[index]) {
            write(UnsafeRawBufferPointer(rebasing: text[written..<index]))
            write(Escaping.reference(to: text[index]))
            written = index + 1
        }
        write(UnsafeRawBufferPointer(rebasing: text[written...]))
    }

    mutating func writeEscaped(_ text: String) {
        var text = text
        text.withUTF8 { writeEscaped(UnsafeRawBufferPointer($0)) }
    }

    fileprivate mutating func append() {
        buffer.pointee.writeBytes(UnsafeRawBufferPointer(rebasing: room[..<count]))
        count = 0
    }

    fileprivate static func write(into buffer: UnsafeMutablePointer<ByteBuffer>, _ body: (inout Pieces) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 1) { room in
            var pieces = Pieces(into: buffer, room)
            body(&pieces)
            pieces.append()
        }
    }
}

extension ByteBuffer {
    /// Appends what the closure writes.
    mutating func writePieces(_ body: (inout Pieces) -> Void) {
        withUnsafeMutablePointer(to: &self) { Pieces.write(into: $0, body) }
    }
}
