/// The place where OpenSSL reads and writes TLS records: bytes lent by the channel and a `ByteBuffer` (BIO_METHOD).

import COpenSSL
import NIOCore

/// A cell on the heap that the C callbacks reach by plain pointer: no reference counting on the way of each record.
struct ByteBufferBIO {
    /// Lent for the time of one call; never kept.
    var input = UnsafeRawBufferPointer(start: nil, count: 0)
    var output = ByteBuffer()

    /// A BIO over `cell`, which must outlive it. The caller owns the result.
    static func bio(over cell: UnsafeMutablePointer<ByteBufferBIO>) -> OpaquePointer? {
        guard let method, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, cell)
        BIO_set_init(bio, 1)
        return bio
    }

    // Written once, by the initialization that Swift does under its own lock; only read afterwards.
    nonisolated(unsafe) private static let method: OpaquePointer? = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ByteBuffer") else { return nil }
        BIO_meth_set_read(method) { bio, target, capacity in
            guard let cell = cell(of: bio), let target, capacity > 0 else { return -1 }
            let count = min(Int(capacity), cell.pointee.input.count)
            guard count > 0, let source = cell.pointee.input.baseAddress else {
                BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
                return -1
            }
            BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
            UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count)
            cell.pointee.input = UnsafeRawBufferPointer(rebasing: cell.pointee.input[count...])
            return CInt(count)
        }
        BIO_meth_set_write(method) { bio, source, count in
            guard let cell = cell(of: bio), let source, count >= 0 else { return -1 }
            cell.pointee.output.writeBytes(UnsafeRawBufferPointer(start: source, count: Int(count)))
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in
            // Output is in memory: flushing always succeeds. Nothing else applies.
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
        return method
    }()

    private static func cell(of bio: OpaquePointer?) -> UnsafeMutablePointer<ByteBufferBIO>? {
        BIO_get_data(bio)?.assumingMemoryBound(to: ByteBufferBIO.self)
    }
}
