internal import NIOCore
internal import XMPP

/// The opening tag that was parsed last: clients of one kind open their streams with the same bytes, each several times.
/// Belongs to one event loop.
struct RecentHeader {
    /// Longer ones are parsed anew.
    private static let limit = 1_024
    private var bytes = ByteBuffer()
    private var header: StreamHeader?

    /// - Parameter bytes: what the framer found to be the header.
    /// - Throws: what `StreamHeader` throws.
    mutating func parse(_ bytes: ByteBuffer) throws(StreamError) -> StreamHeader {
        if let header, bytes == self.bytes { return header }
        let parsed = try StreamHeader(parsing: bytes)
        if bytes.readableBytes <= Self.limit {
            // Not the buffer that was received, which is larger.
            self.bytes = ByteBuffer(bytes: bytes.readableBytesView)
            header = parsed
        }
        return parsed
    }
}
