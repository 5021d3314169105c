import CLibXML2

@testable import XMPP

/// What a piece of XML means, as bytes that are equal if the meaning is: expanded names, attributes in an order
/// of their own, text with all references resolved.
struct CanonicalXML: Equatable, CustomStringConvertible {
    // Characters that no XML can contain keep the parts apart.
    private static let elementStart: UInt8 = 1, attribute: UInt8 = 2, text: UInt8 = 3, elementEnd: UInt8 = 4
    private(set) var bytes: [UInt8] = []
    private var isInText = false

    var description: String {
        String(
            decoding: bytes.map { byte -> UInt8 in
                switch byte {
                case Self.elementStart: UInt8(ascii: "(")
                case Self.attribute: UInt8(ascii: "@")
                case Self.text: UInt8(ascii: "|")
                case Self.elementEnd: UInt8(ascii: ")")
                default: byte
                }
            }, as: UTF8.self)
    }

    private mutating func open(
        _ name: String, _ namespace: String, _ attributes: [(name: String, namespace: String, value: String)]
    ) {
        isInText = false
        bytes.append(Self.elementStart)
        bytes += "{\(namespace)}\(name)".utf8
        for attribute in attributes.map({ "{\($0.namespace)}\($0.name)=\($0.value)" }).sorted() {
            bytes.append(Self.attribute)
            bytes += attribute.utf8
        }
    }

    private mutating func append(text: some Collection<UInt8>) {
        guard !text.isEmpty else { return }
        if !isInText { bytes.append(Self.text) }
        isInText = true
        bytes += text
    }

    private mutating func close() {
        isInText = false
        bytes.append(Self.elementEnd)
    }

    // MARK: Of an element

    /// - Parameter ignored: attributes without a namespace to leave out of the element itself, not of its children.
    init(_ element: Element, without ignored: Set<String> = []) {
        append(element, without: ignored)
    }

    private mutating func append(_ element: Element, without ignored: Set<String> = []) {
        open(
            element.name, element.namespace,
            element.attributes.filter { $0.namespace != nil || !ignored.contains($0.name) }
                .map { ($0.name, $0.namespace ?? "", $0.value) })
        let document = element.document
        var position = element.index + 1
        while position < Int(element.node.next) {
            let node = document.nodes[position]
            if node.name == nil {
                append(text: document.text[Int(node.start)..<Int(node.end)])
            } else {
                append(Element(document: document, index: position))
            }
            position = Int(node.next)
        }
        close()
    }

    // MARK: Of a node of libxml2's own tree

    init(_ node: xmlNodePtr, without ignored: Set<String> = []) {
        append(node, without: ignored)
    }

    private mutating func append(_ node: xmlNodePtr, without ignored: Set<String> = []) {
        switch node.pointee.type {
        case XML_TEXT_NODE, XML_CDATA_SECTION_NODE:
            guard let content = node.pointee.content else { return }
            append(text: UnsafeBufferPointer(start: content, count: Int(xmlStrlen(content))))
        case XML_ELEMENT_NODE:
            open(
                String(node.pointee.name), String(node.pointee.ns?.pointee.href),
                node.attributes.filter { !$0.namespace.isEmpty || !ignored.contains($0.name) })
            for child in node.children { append(child) }
            close()
        default:
            break
        }
    }
}

extension xmlNodePtr {
    var children: [xmlNodePtr] { list(pointee.children) { $0.pointee.next } }

    var attributes: [(name: String, namespace: String, value: String)] {
        list(pointee.properties) { $0.pointee.next }.map { attribute in
            let value = list(attribute.pointee.children) { $0.pointee.next }.map { String($0.pointee.content) }.joined()
            return (String(attribute.pointee.name), String(attribute.pointee.ns?.pointee.href), value)
        }
    }

    /// The declarations on the element itself.
    var declarations: [NamespaceDeclaration] {
        list(pointee.nsDef) { $0.pointee.next }.map {
            NamespaceDeclaration(prefix: String($0.pointee.prefix), namespace: String($0.pointee.href))
        }
    }
}

/// A linked list of libxml2's.
private func list<Node>(_ first: Node?, next: (Node) -> Node?) -> [Node] {
    var nodes: [Node] = []
    var node = first
    while let found = node {
        nodes.append(found)
        node = next(found)
    }
    return nodes
}

extension String {
    init(_ text: UnsafePointer<xmlChar>?) {
        self = text.map { String(cString: $0) } ?? ""
    }
}

/// Any XML document as libxml2 reads it in one piece, into a tree of its own.
final class WholeDocument {
    private let document: xmlDocPtr
    let root: xmlNodePtr

    /// Nil if the document is not well-formed, or not namespace-well-formed.
    init?(_ text: [UInt8]) {
        guard let context = xmlNewParserCtxt() else { return nil }
        defer { xmlFreeParserCtxt(context) }
        var errors = 0
        let document = withUnsafeMutablePointer(to: &errors) { errors in
            context.pointee.sax.pointee.serror = { data, error in
                // 97: another version; 99 and 100: namespace names that are no absolute URIs.
                guard let data, let error, ![97, 99, 100].contains(error.pointee.code) else { return }
                let context = data.assumingMemoryBound(to: xmlParserCtxt.self)
                context.pointee._private.assumingMemoryBound(to: Int.self).pointee += 1
            }
            context.pointee._private = UnsafeMutableRawPointer(errors)
            return text.withUnsafeBytes { text in
                xmlCtxtReadMemory(
                    context, text.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(text.count), nil, "UTF-8",
                    Int32(XML_PARSE_NOENT.rawValue | XML_PARSE_NONET.rawValue))
            }
        }
        guard let document else { return nil }
        guard errors == 0, let root = xmlDocGetRootElement(document) else {
            xmlFreeDoc(document)
            return nil
        }
        self.document = document
        self.root = root
    }

    deinit { xmlFreeDoc(document) }

    var version: String { String(document.pointee.version) }
    /// The namespace and the local name of the root element.
    var rootName: (String, String) { (String(root.pointee.ns?.pointee.href), String(root.pointee.name)) }
    var isEmpty: Bool { root.pointee.children == nil }
    /// The top-level elements of a stream.
    var elements: [xmlNodePtr] { root.children.filter { $0.pointee.type == XML_ELEMENT_NODE } }

    /// Whether it contains what RFC 6120 §11.1 forbids, or text where a stream has none.
    var isRestricted: Bool {
        if document.pointee.intSubset != nil { return true }
        if list(document.pointee.children, next: { $0.pointee.next }).contains(where: {
            $0.pointee.type != XML_ELEMENT_NODE
        }) {
            return true
        }
        return root.children.contains { child in
            switch child.pointee.type {
            case XML_ELEMENT_NODE: hasComments(child)
            case XML_TEXT_NODE:
                !String(child.pointee.content).utf8.allSatisfy { [0x20, 0x0A, 0x0D, 0x09].contains($0) }
            default: true
            }
        }
    }

    private func hasComments(_ node: xmlNodePtr) -> Bool {
        switch node.pointee.type {
        case XML_ELEMENT_NODE: node.children.contains(where: hasComments)
        case XML_TEXT_NODE, XML_CDATA_SECTION_NODE: false
        default: true
        }
    }

    /// Whether an element is beyond the limits of nesting, attributes and namespaces.
    func exceeds(_ limits: XMLLimits) -> Bool {
        func exceeds(_ node: xmlNodePtr, _ depth: Int, _ namespaces: Int) -> Bool {
            guard node.pointee.type == XML_ELEMENT_NODE else { return false }
            let declared = node.declarations.count
            return depth > limits.depth || node.attributes.count + declared > limits.attributes
                || namespaces + declared > 4 * limits.attributes
                || node.children.contains { exceeds($0, depth + 1, namespaces + declared) }
        }
        let declared = root.declarations
        return declared.reduce(0) { $0 + $1.prefix.utf8.count + $1.namespace.utf8.count } > 1_024
            || declared.count + root.attributes.count > limits.attributes
            || elements.contains { exceeds($0, 1, declared.count) }
    }
}
