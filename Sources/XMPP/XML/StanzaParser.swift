internal import CLibXML2
package import NIOCore

/// Parses complete top-level elements of streams with libxml2 (RFC 6120 §11).
///
/// One parser serves all streams of an event loop that have the same content namespace: it is a context primed with
/// a stream's opening tag, which is given whole framed elements and so is always back at depth one.
/// After an error or a large element the context is replaced. Belongs to one event loop.
package final class StanzaParser {
    /// What is declared on the root of the streams this parser serves.
    package struct Root: Sendable, Hashable {
        /// The default namespace: that of unprefixed elements.
        package var content: String
        package var declarations: [NamespaceDeclaration]

        package init(
            content: String = "jabber:client",
            declarations: [NamespaceDeclaration] = [
                NamespaceDeclaration(prefix: "stream", namespace: Namespace.streams.description)
            ]
        ) {
            self.content = content
            self.declarations = declarations
        }

        /// The root that a header opens.
        /// - Parameter content: what a component writes is parsed as if a client had written it.
        package init(_ header: StreamHeader, _ content: ContentNamespace = .client) {
            self.init(content: header.defaultNamespace, declarations: header.declarations)
            if content == .component {
                let name = Namespace.component.description
                self.content = self.content == name ? Namespace.client.description : self.content
                declarations = declarations.map { declaration in
                    declaration.namespace == name
                        ? NamespaceDeclaration(prefix: declaration.prefix, namespace: Namespace.client.description)
                        : declaration
                }
            }
            if !header.prefix.isEmpty {
                declarations.append(
                    NamespaceDeclaration(prefix: header.prefix, namespace: Namespace.streams.description))
            }
        }
    }

    /// Whether the root of a stream is what every parser is primed with; else it needs a parser of its own.
    package static func isUsual(_ header: StreamHeader, _ content: ContentNamespace = .client) -> Bool {
        header.defaultNamespace == content.namespace && header.prefix == "stream"
            && header.declarations.isEmpty
    }

    /// Elements above this size leave a large buffer behind in the context.
    private static let replaceAboveBytes = 16_384
    package let root: Root
    private var context: ParserContext
    private var spare: Document?

    package init(root: Root = Root()) {
        self.root = root
        context = ParserContext(root: root)
    }

    /// Lets go of the received bytes, so that their buffer can be used again; unless an element is still in use.
    package func release() {
        if spare != nil, isKnownUniquelyReferenced(&spare) { spare?.source = ByteBuffer() }
    }

    /// Parses one element.
    /// - Parameter bytes: exactly one framed element, from `<` to the last `>`.
    /// - Throws: the stream error that RFC 6120 names for what is wrong.
    package func parse(_ bytes: ByteBuffer, limits: XMLLimits = XMLLimits()) throws(StreamError) -> Element {
        let document: Document
        if spare != nil, isKnownUniquelyReferenced(&spare), let reusable = spare {
            document = reusable
        } else {
            document = Document(names: context.names)
            spare = document
        }
        if let error = context.parse(bytes, into: document, limits: limits) {
            context = ParserContext(root: root)
            // libxml2 has several codes for wrong encoding, most of them general ones.
            guard document.source.readableBytesView.isValidUTF8 else { throw .encoding }
            throw error
        }
        if context.hasUsedRootPrefix {
            // What the element declares itself overrides the root.
            for declaration in root.declarations
            where !document.outerDeclarations.contains(where: { $0.prefix == declaration.prefix }) {
                document.outerDeclarations.append(declaration)
            }
        }
        if bytes.readableBytes > Self.replaceAboveBytes {
            spare = nil
            context = ParserContext(root: root)
        } else if context.isSpent {
            context = ParserContext(root: root)
        }
        return Element(document: document, index: 0)
    }
}

/// A libxml2 context between two elements. Belongs to one event loop.
///
/// The stream's opening tag is pushed into it. Elements are not: they are complete, and looking for the end of each
/// tag before it is parsed costs a tenth of the parsing. They are read from an input of the context's own, on top of
/// the one that the root was read from.
private final class ParserContext {
    /// What the callbacks work on; at a fixed address, given to libxml2.
    fileprivate struct State {
        var nodes: [Document.Node] = []
        var attributes: [Document.Attribute] = []
        var text: [UInt8] = []
        /// Index of the innermost open element's node, -1 for the stream's root. Until an element ends, its node's
        /// `next` is the index of the element that it is in.
        var innermost: Int32 = -1
        var depth = 0
        var ended = 0
        /// Prefixes declared on the top-level element.
        var declarations: [NamespaceDeclaration] = []
        /// The default namespace inside the top-level element, and on the stream's root.
        var defaultNamespace: UnsafePointer<xmlChar>?
        var rootDefaultNamespace: UnsafePointer<xmlChar>?
        /// The prefixes declared on the stream's root, and whether the element uses any.
        var rootPrefixes: [UnsafePointer<xmlChar>] = []
        var hasUsedRootPrefix = false
        var hasContentPrefix = false
        var childInitials: UInt64 = 0
        var error: StreamError?
        var limits = XMLLimits()
        var context: xmlParserCtxtPtr?
    }

    /// Names in the dictionary, and their bytes, beyond which the context is spent. A full dictionary would
    /// refuse the names of everybody.
    private static let maximumNames = 4_000
    private static let maximumNameBytes = 262_144

    private let state: UnsafeMutablePointer<State>
    private let context: xmlParserCtxtPtr
    /// Where elements are read from: their bytes and the zero that libxml2 wants behind them.
    private let input: xmlParserInputPtr
    private var bytes = UnsafeMutableBufferPointer<xmlChar>.allocate(capacity: 1_024)
    let names: NameDictionary
    /// Whether elements have filled the dictionary, so that the context has to be replaced.
    private(set) var isSpent = false

    /// Whether the last element uses a prefix that was declared on the stream's root.
    var hasUsedRootPrefix: Bool { state.pointee.hasUsedRootPrefix }

    init(root: StanzaParser.Root) {
        state = .allocate(capacity: 1)
        state.initialize(to: State())
        var header = ByteBuffer(string: "<stream xmlns='")
        header.writeEscaped(root.content)
        for declaration in root.declarations {
            header.writeString("' xmlns:\(declaration.prefix)='")
            header.writeEscaped(declaration.namespace)
        }
        header.writeString("'>")
        var handler = Self.handler
        guard let context = xmlCreatePushParserCtxt(&handler, state, nil, 0, nil), let dictionary = context.pointee.dict
        else {
            fatalError("libxml2 has no memory for a parser")
        }
        self.context = context
        names = NameDictionary(sharing: dictionary)
        xmlCtxtUseOptions(context, Int32(XML_PARSE_NOENT.rawValue | XML_PARSE_NONET.rawValue))
        state.pointee.context = context
        _ = header.withUnsafeReadableBytes {
            xmlParseChunk(context, $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32($0.count), 0)
        }
        // Empty for now, and at an address that stays: libxml2 keeps it, and looks there when the input is pushed.
        bytes[0] = 0
        guard let input = xmlNewStringInputStream(context, bytes.baseAddress) else {
            fatalError("libxml2 has no memory for a parser")
        }
        self.input = input
        xmlPushInput(context, input)
    }

    deinit {
        // The context frees its inputs, but not the bytes of this one.
        xmlFreeParserCtxt(context)
        bytes.deallocate()
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// Returns what is wrong with the element, after which this context is of no more use.
    func parse(_ bytes: ByteBuffer, into document: Document, limits: XMLLimits) -> StreamError? {
        document.source = bytes
        guard bytes.readableBytes <= limits.bytes else { return .tooLarge }
        swap(&state.pointee.nodes, &document.nodes)
        swap(&state.pointee.attributes, &document.attributes)
        swap(&state.pointee.text, &document.text)
        state.pointee.nodes.removeAll(keepingCapacity: true)
        state.pointee.attributes.removeAll(keepingCapacity: true)
        state.pointee.text.removeAll(keepingCapacity: true)
        if !state.pointee.declarations.isEmpty { state.pointee.declarations = [] }
        state.pointee.limits = limits
        state.pointee.ended = 0
        state.pointee.innermost = -1
        state.pointee.defaultNamespace = state.pointee.rootDefaultNamespace
        state.pointee.hasUsedRootPrefix = false
        state.pointee.hasContentPrefix = false
        state.pointee.childInitials = 0
        let namesBefore = names.count
        take(bytes)
        xmlParseElement(context)
        let code = context.pointee.errNo
        let isWhole = context.pointee.input == input && input.pointee.cur == input.pointee.end
        swap(&state.pointee.nodes, &document.nodes)
        swap(&state.pointee.attributes, &document.attributes)
        swap(&state.pointee.text, &document.text)
        document.outerDeclarations = state.pointee.declarations
        document.hasContentPrefix = state.pointee.hasContentPrefix
        document.childInitials = state.pointee.childInitials
        if document.names !== names { document.names = names }
        if let error = state.pointee.error { return error }
        guard isWhole, context.pointee.wellFormed == 1, state.pointee.depth == 1, state.pointee.ended == 1,
            Int(document.nodes[0].end) == bytes.readableBytes
        else { return .malformed(code) }
        document.isContentDefault = document.nodes[0].namespace == state.pointee.defaultNamespace
        let count = names.count
        guard count != namesBefore else { return nil }
        guard count - namesBefore <= limits.unknownNames else {
            return StreamError(.policyViolation, "an element has too many different names")
        }
        isSpent = count > Self.maximumNames || names.bytes > Self.maximumNameBytes
        return nil
    }

    /// Lets libxml2 read an element next.
    private func take(_ element: ByteBuffer) {
        let count = element.readableBytes
        if bytes.count <= count {
            bytes.deallocate()
            bytes = .allocate(capacity: 2 * count)
        }
        element.withUnsafeReadableBytes { UnsafeMutableRawBufferPointer(bytes).copyMemory(from: $0) }
        bytes[count] = 0
        input.pointee.base = UnsafePointer(bytes.baseAddress)
        input.pointee.cur = input.pointee.base
        input.pointee.end = input.pointee.base + count
        input.pointee.line = 1
        input.pointee.col = 1
    }

    /// The callbacks; each finds its state through the pointer that libxml2 hands back.
    private static var handler: xmlSAXHandler {
        var handler = xmlSAXHandler()
        handler.initialized = XML_SAX2_MAGIC
        handler.startElementNs = { data, name, prefix, namespace, declarationCount, declarations, attributeCount, _, attributes in
            parserState(data).startElement(
                name, prefix, namespace, declarationCount, declarations, attributeCount, attributes)
        }
        handler.endElementNs = { data, _, _, _ in parserState(data).endElement() }
        handler.characters = { data, bytes, count in parserState(data).characters(bytes, count) }
        handler.cdataBlock = { data, bytes, count in parserState(data).section(bytes, count) }
        handler.comment = { data, _ in parserState(data).refuse(.restricted) }
        handler.processingInstruction = { data, _, _ in parserState(data).refuse(.restricted) }
        handler.internalSubset = { data, _, _, _ in parserState(data).refuse(.restricted) }
        handler.getEntity = { _, _ in nil }
        handler.serror = { data, error in
            guard let error else { return }
            // 99: a namespace name that is no URI; 100: a relative one, such as vcard-temp. Both are in use.
            guard error.pointee.code != 99, error.pointee.code != 100 else { return }
            parserState(data).refuse(.malformed(error.pointee.code))
        }
        return handler
    }
}

/// The state of the context that calls back; libxml2 hands back the pointer it was given.
private func parserState(_ data: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<ParserContext.State> {
    data.unsafelyUnwrapped.assumingMemoryBound(to: ParserContext.State.self)
}

extension UnsafeMutablePointer where Pointee == ParserContext.State {
    /// Where libxml2 is, as an offset into the element at hand.
    private var position: UInt32 {
        guard let input = pointee.context?.pointee.input else { return 0 }
        return UInt32(truncatingIfNeeded: input.pointee.cur - input.pointee.base)
    }

    /// How far back from libxml2's position the last `<` is. In a tag it can only be the tag's own.
    private var distanceToTagStart: UInt32 {
        guard let input = pointee.context?.pointee.input, let current = input.pointee.cur, let base = input.pointee.base
        else { return 0 }
        guard let found = memrchr(base, Int32(UInt8(ascii: "<")), current - base) else { return 0 }
        return UInt32(truncatingIfNeeded: UnsafeRawPointer(current) - UnsafeRawPointer(found))
    }

    fileprivate func refuse(_ error: StreamError) {
        if pointee.error == nil { pointee.error = error }
        // Not xmlStopParser: it frees the input, which libxml2 may be reading when it reports an error.
        pointee.context?.pointee.disableSAX = 1
    }

    fileprivate func startElement(
        _ name: UnsafePointer<xmlChar>?, _ prefix: UnsafePointer<xmlChar>?, _ namespace: UnsafePointer<xmlChar>?,
        _ declarationCount: Int32, _ declarations: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?,
        _ attributeCount: Int32, _ attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
    ) {
        pointee.depth += 1
        guard pointee.depth > 1 else {
            // The stream's own opening tag, which has no prefix.
            pointee.rootDefaultNamespace = namespace
            for index in 0..<Int(declarationCount) {
                if let prefix = declarations?[2 * index] { pointee.rootPrefixes.append(prefix) }
            }
            return
        }
        guard pointee.depth - 1 <= pointee.limits.depth else {
            return refuse(StreamError(.policyViolation, "elements are nested too deeply"))
        }
        guard Int(attributeCount) + Int(declarationCount) <= pointee.limits.attributes else {
            return refuse(StreamError(.policyViolation, "an element has too many attributes"))
        }
        // Every prefix in the stanza is looked up among all that are in force, of which each element can add some.
        guard let context = pointee.context, Int(context.pointee.nsNr) / 2 <= 4 * pointee.limits.attributes else {
            return refuse(StreamError(.policyViolation, "an element has too many namespaces"))
        }
        if let prefix {
            noteUse(of: prefix)
            if isContent(namespace) { pointee.hasContentPrefix = true }
        }
        if pointee.depth == 2, declarationCount > 0, let declarations {
            for index in 0..<Int(declarationCount) {
                guard let prefix = declarations[2 * index] else {
                    pointee.defaultNamespace = declarations[2 * index + 1]
                    continue
                }
                guard let name = declarations[2 * index + 1] else { continue }
                pointee.declarations.append(
                    NamespaceDeclaration(prefix: String(cString: prefix), namespace: String(cString: name)))
            }
        }
        let firstAttribute = pointee.attributes.count
        if let attributes {
            for index in 0..<Int(attributeCount) {
                let attribute = attributes + 5 * index
                guard let name = attribute[0], let value = attribute[3], let end = attribute[4] else { continue }
                if let prefix = attribute[1] { noteUse(of: prefix) }
                let start = pointee.text.count
                pointee.text.append(contentsOf: UnsafeBufferPointer(start: value, count: end - value))
                pointee.attributes.append(
                    Document.Attribute(
                        name: name, namespace: attribute[2], start: UInt32(start), end: UInt32(pointee.text.count)))
            }
        }
        let position = position
        let start = position - distanceToTagStart
        let isEmpty = context.pointee.input.pointee.cur.pointee == UInt8(ascii: "/")
        if pointee.depth == 3, let name { pointee.childInitials |= Document.initial(name.pointee) }
        let index = Int32(pointee.nodes.count)
        pointee.nodes.append(
            Document.Node(
                name: name, namespace: namespace, start: start, contentStart: isEmpty ? position + 2 : position + 1,
                end: 0, next: pointee.innermost, attributes: Int32(firstAttribute),
                attributeCount: UInt16(attributeCount), depth: UInt16(pointee.depth - 2)))
        pointee.innermost = index
    }

    /// Whether an element of this namespace belongs to the stanza itself, and not to an extension inside it.
    private func isContent(_ namespace: UnsafePointer<xmlChar>?) -> Bool {
        guard let namespace, xmlStrEqual(namespace, "jabber:client") == 1 else { return false }
        return pointee.innermost < 0 || pointee.nodes[Int(pointee.innermost)].namespace == namespace
    }

    /// Names of one dictionary are equal if their addresses are.
    private func noteUse(of prefix: UnsafePointer<xmlChar>) {
        if pointee.rootPrefixes.contains(prefix) { pointee.hasUsedRootPrefix = true }
    }

    fileprivate func endElement() {
        pointee.depth -= 1
        guard pointee.innermost >= 0 else { return refuse(.malformed(0)) }
        if pointee.depth == 1 { pointee.ended += 1 }
        let position = position
        let next = Int32(pointee.nodes.count)
        let index = Int(pointee.innermost)
        let isTagEmpty = pointee.nodes[index].contentStart == position
        let tagStart = isTagEmpty ? position : position - distanceToTagStart
        pointee.innermost = pointee.nodes[index].end(at: position, tagStart: tagStart, next: next)
    }

    fileprivate func characters(_ bytes: UnsafePointer<xmlChar>?, _ count: Int32) {
        guard let bytes, count > 0 else { return }
        let run = UnsafeBufferPointer(start: bytes, count: Int(count))
        guard pointee.depth > 1 else {
            if !run.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }) { refuse(.malformed(0)) }
            return
        }
        let start = UInt32(pointee.text.count)
        pointee.text.append(contentsOf: run)
        let end = UInt32(pointee.text.count)
        let last = pointee.nodes.count - 1
        if last >= 0, pointee.nodes[last].name == nil, Int(pointee.nodes[last].depth) == pointee.depth - 1 {
            pointee.nodes[last].end = end
        } else {
            pointee.nodes.append(
                Document.Node(
                    name: nil, namespace: nil, start: start, end: end, next: Int32(last + 2), attributes: 0,
                    attributeCount: 0, depth: UInt16(pointee.depth - 1)))
        }
    }
}

extension Document.Node {
    /// Where the element and its content end.
    /// - Returns: the index of the element that this one is in.
    fileprivate mutating func end(at position: UInt32, tagStart: UInt32, next: Int32) -> Int32 {
        let parent = self.next
        end = position
        self.next = next
        contentEnd = max(contentStart, tagStart)
        return parent
    }
}

extension UnsafeMutablePointer where Pointee == ParserContext.State {
    /// The text of a CDATA section. Its line ends are as they were received: libxml2 translates them (XML 1.0
    /// §2.11) everywhere but here.
    fileprivate func section(_ bytes: UnsafePointer<xmlChar>?, _ count: Int32) {
        let run = UnsafeBufferPointer(start: bytes, count: Int(count))
        guard run.contains(0x0D) else { return characters(bytes, count) }
        var lines: [UInt8] = []
        lines.reserveCapacity(run.count)
        for (index, byte) in run.enumerated() {
            if byte != 0x0D {
                lines.append(byte)
            } else if index + 1 == run.count || run[index + 1] != 0x0A {
                lines.append(0x0A)
            }
        }
        lines.withUnsafeBufferPointer { characters($0.baseAddress, Int32($0.count)) }
    }
}

extension StreamError {
    fileprivate static var tooLarge: StreamError { StreamError(.policyViolation, "an element is too large") }
    fileprivate static var restricted: StreamError {
        StreamError(.restrictedXML, "comments, processing instructions and document types are not allowed")
    }

    /// §4.9.3.22: "improperly encoded the stream (e.g., by violating the rules of the UTF-8 encoding)"
    fileprivate static var encoding: StreamError { StreamError(.unsupportedEncoding, "streams are encoded in UTF-8") }

    /// What a code of libxml2 is in the words of RFC 6120.
    fileprivate static func malformed(_ code: Int32) -> StreamError {
        switch UInt32(bitPattern: code) {
        // §11.1: entity references other than the five predefined ones
        case XML_ERR_UNDECLARED_ENTITY.rawValue, XML_WAR_UNDECLARED_ENTITY.rawValue:
            StreamError(.restrictedXML, "only the predefined entities are allowed")
        default:
            StreamError(.notWellFormed)
        }
    }
}

extension ByteBufferView {
    var isValidUTF8: Bool { String(validating: self, as: UTF8.self) != nil }
}
