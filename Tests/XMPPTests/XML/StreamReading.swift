import NIOCore

@testable import XMPP

/// What framer, header and parser make of the bytes of a stream, put together as on a connection.
struct StreamReading {
    enum Outcome: Equatable {
        case ended, incomplete
        case refused(StreamError)
    }

    private(set) var header: StreamHeader?
    /// The opening tag, and the elements, as they were received.
    private(set) var opening: [UInt8] = []
    private(set) var elements: [(source: [UInt8], element: Element)] = []
    private(set) var outcome = Outcome.incomplete

    /// - Parameters:
    ///   - parser: serves the stream if its header is a usual one, and other streams before and after it.
    ///   - chunk: how many bytes arrive at once.
    init(_ bytes: [UInt8], parser: StanzaParser, limits: XMLLimits, chunk: () -> Int) {
        var parser = parser
        var framer = StanzaFramer(maximumDepth: limits.depth, maximumAttributes: limits.attributes)
        var received = ByteBuffer()
        var scanned = 0
        var position = 0
        do throws(StreamError) {
            while true {
                guard received.readableBytes > scanned else {
                    guard position < bytes.count else { return }
                    let count = min(chunk(), bytes.count - position)
                    received.writeBytes(bytes[position..<position + count])
                    position += count
                    continue
                }
                let step = received.withUnsafeReadableBytes { framer.scan($0, from: scanned) }
                scanned = 0
                switch step {
                case .incomplete:
                    scanned = received.readableBytes
                case .blank(let end):
                    received.moveReaderIndex(forwardBy: end)
                case .header(let end):
                    guard let slice = received.readSlice(length: end) else { return }
                    opening = Array(slice.readableBytesView)
                    let header = try StreamHeader(parsing: slice)
                    self.header = header
                    if !StanzaParser.isUsual(header) { parser = StanzaParser(root: .init(header)) }
                case .element(let end):
                    guard let slice = received.readSlice(length: end) else { return }
                    elements.append((Array(slice.readableBytesView), try parser.parse(slice, limits: limits)))
                case .streamEnd:
                    outcome = .ended
                    return
                case .refused(let error):
                    throw error
                }
            }
        } catch {
            outcome = .refused(error)
        }
    }
}
