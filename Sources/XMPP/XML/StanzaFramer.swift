#if canImport(Glibc)
    import Glibc
#endif

/// Finds where the next top-level element of a stream ends, resumable at any byte (RFC 6120 §4.2, §11.1).
///
/// It knows no names: whether the bytes are well-formed is the parser's to say, once the element is whole.
/// What may never reach a parser (document types, comments, processing instructions) is refused here.
package struct StanzaFramer: Sendable {
    package enum Step: Sendable, Equatable {
        /// All bytes were read and the element goes on; nothing of it may be dropped.
        case incomplete
        /// The white space before the next element ends at this offset, and nothing else was read.
        case blank(end: Int)
        /// The opening tag of the stream, with its XML declaration, ends before this offset.
        case header(end: Int)
        /// A top-level element ends before this offset.
        case element(end: Int)
        /// The closing tag of the stream ends before this offset.
        case streamEnd(end: Int)
        case refused(StreamError)
    }

    private enum State: UInt8 {
        /// Before the stream's opening tag.
        case prolog, prologTag, declaration, declarationEnd, rootTag
        case headerTag
        /// Between top-level elements.
        case between
        /// After `<`.
        case tagOpened
        case startTag, endTag
        case content
        /// Inside `<![CDATA[`, by how much of it has been seen, and inside its content.
        case section, sectionContent
    }

    private var state: State
    /// The quote that ends the attribute value at hand, or 0.
    private var quote: UInt8 = 0
    /// How much of `<![CDATA[`, `]]>` or `?>` has matched.
    private var matched: UInt8 = 0
    /// Open elements, the stream's own not counted.
    private var depth: UInt16 = 0
    private let maximumDepth: UInt16
    /// Attributes and declarations of the tag at hand; the parser's time grows with the square of their number.
    private var attributes: UInt16 = 0
    private let maximumAttributes: UInt16

    /// - Parameter awaitingHeader: whether the stream's opening tag comes first.
    package init(awaitingHeader: Bool = true, maximumDepth: Int = 64, maximumAttributes: Int = 64) {
        state = awaitingHeader ? .prolog : .between
        self.maximumDepth = UInt16(clamping: maximumDepth)
        self.maximumAttributes = UInt16(clamping: maximumAttributes)
    }

    /// Whether nothing of an element or header has been read.
    package var isBetween: Bool { state == .between || state == .prolog }

    /// Reads on at `offset`, where the last call ended: 0 after anything but `.incomplete`.
    package mutating func scan(_ bytes: UnsafeRawBufferPointer, from offset: Int) -> Step {
        guard let base = bytes.baseAddress else { return .incomplete }
        let start = base.assumingMemoryBound(to: UInt8.self)
        let count = bytes.count
        var index = offset
        while index < count {
            let byte = start[index]
            switch state {
            case .prolog, .between:
                if byte == UInt8(ascii: "<") {
                    if index > 0 { return .blank(end: index) }
                    state = state == .prolog ? .prologTag : .tagOpened
                } else if !isBlank(byte) {
                    return .refused(state == .prolog ? .notXML : .textBetween)
                }
            case .prologTag:
                switch byte {
                case UInt8(ascii: "?"): state = .declaration
                case UInt8(ascii: "!"): return .refused(.restricted)
                case UInt8(ascii: "/"): return .refused(.notXML)
                default:
                    state = .headerTag
                    continue
                }
            case .declaration:
                // Whether it is an XML declaration and not another instruction is the header's parser to say.
                if byte == UInt8(ascii: "?") {
                    matched = 1
                } else if byte == UInt8(ascii: ">"), matched == 1 {
                    matched = 0
                    state = .declarationEnd
                } else {
                    matched = 0
                }
            case .declarationEnd:
                if byte == UInt8(ascii: "<") {
                    state = .rootTag
                } else if !isBlank(byte) {
                    return .refused(.notXML)
                }
            case .rootTag:
                switch byte {
                case UInt8(ascii: "?"), UInt8(ascii: "!"): return .refused(.restricted)
                case UInt8(ascii: "/"): return .refused(.notXML)
                default:
                    state = .headerTag
                    continue
                }
            case .headerTag, .startTag, .endTag:
                if let step = readTag(start, &index, count) { return step }
                continue
            case .tagOpened:
                switch byte {
                case UInt8(ascii: "/"):
                    state = .endTag
                case UInt8(ascii: "?"):
                    return .refused(.restricted)
                case UInt8(ascii: "!"):
                    // A CDATA section is text, which has no place between elements.
                    guard depth > 0 else { return .refused(.restricted) }
                    state = .section
                    matched = 2
                default:
                    guard depth < maximumDepth else { return .refused(.tooDeep) }
                    state = .startTag
                    attributes = 0
                    continue
                }
            case .content:
                guard let next = memchr(start + index, Int32(UInt8(ascii: "<")), count - index) else {
                    return .incomplete
                }
                index = next - UnsafeMutableRawPointer(mutating: base)
                state = .tagOpened
            case .section:
                guard byte == Self.sectionMark[Int(matched)] else { return .refused(.restricted) }
                matched += 1
                if Int(matched) == Self.sectionMark.count {
                    state = .sectionContent
                    matched = 0
                }
            case .sectionContent:
                if byte == UInt8(ascii: "]") {
                    matched = min(matched + 1, 2)
                } else if byte == UInt8(ascii: ">"), matched == 2 {
                    state = .content
                    matched = 0
                } else {
                    matched = 0
                }
            }
            index += 1
        }
        // White space between elements is a keepalive (RFC 6120 §4.6.1) and is not kept.
        return isBetween && count > 0 ? .blank(end: count) : .incomplete
    }

    private static let sectionMark: [UInt8] = Array("<![CDATA[".utf8)

    /// Reads on inside a tag, to its end or to the end of the bytes.
    private mutating func readTag(_ start: UnsafePointer<UInt8>, _ index: inout Int, _ count: Int) -> Step? {
        while index < count {
            if quote != 0 {
                let rest = count - index
                let end = memchr(start + index, Int32(quote), rest).map { $0 - UnsafeMutableRawPointer(mutating: start) }
                // Never legal in a value, and the sign of a quote that was left open.
                guard memchr(start + index, Int32(UInt8(ascii: "<")), (end ?? count) - index) == nil else {
                    return .refused(.notWellFormed)
                }
                guard let end else {
                    index = count
                    return nil
                }
                quote = 0
                index = end + 1
                continue
            }
            // Names, `=` and white space.
            while !Self.matters(start[index]) {
                index += 1
                guard index < count else { return nil }
            }
            let byte = start[index]
            if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                guard state != .endTag else { return .refused(.notWellFormed) }
                guard attributes < maximumAttributes else { return .refused(.tooManyAttributes) }
                attributes += 1
                quote = byte
                index += 1
                continue
            }
            guard byte == UInt8(ascii: ">") else { return .refused(.notWellFormed) }
            // The byte before is there: nothing of an element is dropped while it is read.
            let step = tagEnd(isEmpty: index > 0 && start[index - 1] == UInt8(ascii: "/"), at: index)
            index += 1
            return step
        }
        return nil
    }

    /// Whether a byte inside a tag and outside of quotes is `"`, `'`, `<` or `>`.
    @inline(__always)
    private static func matters(_ byte: UInt8) -> Bool {
        // All four are less than 64, so that each has a bit.
        let marks: UInt64 = 1 << 0x22 | 1 << 0x27 | 1 << 0x3C | 1 << 0x3E
        return byte < 64 && marks & (1 &<< UInt64(byte)) != 0
    }

    /// The `>` of a tag.
    private mutating func tagEnd(isEmpty: Bool, at index: Int) -> Step? {
        switch state {
        case .headerTag:
            guard !isEmpty else { return .refused(.notXML) }
            state = .between
            return .header(end: index + 1)
        case .startTag:
            if !isEmpty {
                depth += 1
                state = .content
            } else if depth == 0 {
                state = .between
                return .element(end: index + 1)
            } else {
                state = .content
            }
        default:
            guard depth > 0 else {
                state = .between
                return .streamEnd(end: index + 1)
            }
            depth -= 1
            state = depth == 0 ? .between : .content
            if depth == 0 { return .element(end: index + 1) }
        }
        return nil
    }

    private func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }
}

extension StreamError {
    fileprivate static var notXML: StreamError { StreamError(.notWellFormed, "expected the opening tag of a stream") }
    fileprivate static var notWellFormed: StreamError { StreamError(.notWellFormed) }
    fileprivate static var textBetween: StreamError {
        StreamError(.notWellFormed, "only white space may stand between stanzas")
    }
    fileprivate static var restricted: StreamError {
        StreamError(.restrictedXML, "comments, processing instructions and document types are not allowed")
    }
    fileprivate static var tooDeep: StreamError { StreamError(.policyViolation, "elements are nested too deeply") }
    fileprivate static var tooManyAttributes: StreamError {
        StreamError(.policyViolation, "an element has too many attributes")
    }
}
