internal import NIOCore
internal import XMPP

/// Turns the bytes a client receives into stream headers and elements.
struct IncomingStream {
    enum Event: Sendable {
        /// The opening tag of a stream, as an element without content.
        case header(Markup)
        case element(Markup)
        /// The closing tag of the stream.
        case streamEnd
    }

    private var bytes = ByteBuffer()
    private var scanned = 0
    private var framer = StanzaFramer()
    private var parser = StanzaParser()

    private static let limits = XMLLimits(bytes: 16_777_216, depth: 1_000, attributes: 1_000, unknownNames: 100_000)

    /// Takes bytes received and returns the events they complete.
    /// - Throws: `StreamError` if they are not a stream of XML.
    mutating func receive(_ received: ByteBuffer) throws(StreamError) -> [Event] {
        var received = received
        bytes.writeBuffer(&received)
        var events: [Event] = []
        while bytes.readableBytes > scanned {
            if scanned == 0, framer.isBetween, let isHeader = startsHeader {
                if isHeader { framer = StanzaFramer(maximumDepth: 1_000, maximumAttributes: 1_000) }
            } else if scanned == 0, framer.isBetween {
                break
            }
            let step = bytes.withUnsafeReadableBytes { framer.scan($0, from: scanned) }
            switch step {
            case .incomplete:
                scanned = bytes.readableBytes
            case .blank(let end):
                drop(end)
            case .header(let end):
                let header = try StreamHeader(parsing: take(end))
                parser = StanzaParser(root: StanzaParser.Root(header))
                events.append(.header(Markup(header)))
            case .element(let end):
                events.append(.element(Markup(try parser.parse(take(end), limits: Self.limits))))
            case .streamEnd(let end):
                drop(end)
                events.append(.streamEnd)
            case .refused(let error):
                throw error
            }
        }
        return events
    }

    /// Whether a stream's opening tag comes next, which it may between stanzas when the stream was restarted;
    /// nil if more bytes must tell.
    private var startsHeader: Bool? {
        let view = bytes.readableBytesView
        let start = view.drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
        for opening in ["<?xml ", "<stream:stream"] {
            if start.starts(with: opening.utf8) { return true }
            if opening.utf8.starts(with: start) { return start.isEmpty ? false : nil }
        }
        return false
    }

    private mutating func take(_ count: Int) -> ByteBuffer {
        scanned = 0
        return bytes.readSlice(length: count) ?? ByteBuffer()
    }

    private mutating func drop(_ count: Int) {
        bytes.moveReaderIndex(forwardBy: count)
        bytes.discardReadBytes()
        scanned = 0
    }
}

extension Markup {
    /// The opening tag of a stream as an element.
    init(_ header: StreamHeader) {
        self.init("stream", in: Namespace.streams.description)
        for (name, value) in [
            ("from", header.from), ("to", header.to), ("id", header.id), ("version", header.version),
        ] {
            if let value { attributes.append(Attribute(name: name, namespace: nil, value: value)) }
        }
        if let language = header.language {
            attributes.append(Attribute(name: "lang", namespace: Namespace.xml.description, value: language))
        }
    }
}
