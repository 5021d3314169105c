#if canImport(Glibc)
    import Glibc
#endif

/// An XML element: a view of a parsed document, cheap to copy and safe to keep.
package struct Element: Sendable {
    let document: Document
    let index: Int

    var node: Document.Node { document.nodes[index] }

    // MARK: Names

    /// The local name. Comparing with `isNamed` makes no String.
    package var name: String { node.name.map { String(cString: $0) } ?? "" }

    /// The name of the namespace, empty for none.
    package var namespace: String { node.namespace.map { String(cString: $0) } ?? "" }

    /// Whether the local name is `name`.
    package func isNamed(_ name: StaticString) -> Bool { equal(node.name, name) }

    /// Whether the expanded name is `name` in `namespace`.
    package func isNamed(_ name: StaticString, in namespace: Namespace) -> Bool {
        equal(node.name, name) && equal(node.namespace, namespace.text)
    }

    package func isIn(_ namespace: Namespace) -> Bool { equal(node.namespace, namespace.text) }

    /// The local name and the namespace as bytes, valid during the call.
    package func withNames<R>(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> R) -> R {
        body(bytes(node.name), bytes(node.namespace))
    }

    // MARK: Attributes

    /// The value of an attribute without a namespace.
    package subscript(_ attribute: StaticString) -> String? {
        withAttribute(attribute) { String(decoding: $0, as: UTF8.self) }
    }

    package func hasAttribute(_ attribute: StaticString) -> Bool { find(attribute) != nil }

    /// Whether an attribute without a namespace has just these bytes.
    package func hasAttribute(_ attribute: StaticString, _ value: [UInt8]) -> Bool {
        guard let found = find(attribute), found.count == value.count else { return false }
        return document.text.withUnsafeBytes { text in
            value.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: text[found]).hasSameBytes(as: $0) }
        }
    }

    /// The bytes of an attribute without a namespace, valid during the call; nil if there is none.
    package func withAttribute<R>(_ attribute: StaticString, _ body: (UnsafeRawBufferPointer) -> R) -> R? {
        guard let found = find(attribute) else { return nil }
        return document.text.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[found])) }
    }

    /// `xml:lang` of this element; what it inherits is not looked at.
    package var language: String? {
        for attribute in ownAttributes
        where equal(attribute.name, "lang") && equal(attribute.namespace, Namespace.xml.text) {
            return String(decoding: document.text[Int(attribute.start)..<Int(attribute.end)], as: UTF8.self)
        }
        return nil
    }

    /// Whether the element says its language itself.
    package var hasLanguage: Bool {
        ownAttributes.contains {
            $0.namespace != nil && equal($0.name, "lang") && equal($0.namespace, Namespace.xml.text)
        }
    }

    /// Names, namespaces and values of all attributes, in the order received.
    package var attributes: [(name: String, namespace: String?, value: String)] {
        ownAttributes.map { attribute in
            (
                String(cString: attribute.name), attribute.namespace.map { String(cString: $0) },
                String(decoding: document.text[Int(attribute.start)..<Int(attribute.end)], as: UTF8.self)
            )
        }
    }

    var ownAttributes: ArraySlice<Document.Attribute> {
        let node = node
        return document.attributes[Int(node.attributes)..<Int(node.attributes) + Int(node.attributeCount)]
    }

    private func find(_ name: StaticString) -> Range<Int>? {
        let node = node
        for index in Int(node.attributes)..<Int(node.attributes) + Int(node.attributeCount) {
            let attribute = document.attributes[index]
            if attribute.namespace == nil, equal(attribute.name, name) {
                return Int(attribute.start)..<Int(attribute.end)
            }
        }
        return nil
    }

    // MARK: Content

    /// The child elements, in order.
    package var children: Children { Children(document: document, position: index + 1, end: Int(node.next)) }

    package var firstChild: Element? {
        var children = children
        return children.next()
    }

    package func child(_ name: StaticString, in namespace: Namespace) -> Element? {
        firstChildIndex(name) { equal($0.namespace, namespace.text) }.map { Element(document: document, index: $0) }
    }

    package func hasChild(_ name: StaticString, in namespace: Namespace) -> Bool {
        firstChildIndex(name) { equal($0.namespace, namespace.text) } != nil
    }

    /// The first child with this local name in the same namespace as its parent.
    package func child(_ name: StaticString) -> Element? {
        let own = node.namespace
        // Names of one dictionary are equal if their addresses are.
        return firstChildIndex(name) { $0.namespace == own }.map { Element(document: document, index: $0) }
    }

    package func child(in namespace: Namespace) -> Element? {
        firstChildIndex { equal($0.namespace, namespace.text) }.map { Element(document: document, index: $0) }
    }

    @inline(__always)
    private func firstChildIndex(_ name: StaticString, where isMeant: (Document.Node) -> Bool) -> Int? {
        guard index > 0 || document.childInitials & Document.initial(name.utf8Start.pointee) != 0 else { return nil }
        return firstChildIndex { equal($0.name, name) && isMeant($0) }
    }

    /// Hooks look for children in every message, and mostly in vain: nothing is retained for those that are not meant.
    @inline(__always)
    private func firstChildIndex(where isMeant: (Document.Node) -> Bool) -> Int? {
        document.nodes.withUnsafeBufferPointer { nodes in
            var position = index + 1
            let end = Int(nodes[index].next)
            while position < end {
                let node = nodes[position]
                if node.name != nil, isMeant(node) { return position }
                position = Int(node.next)
            }
            return nil
        }
    }

    /// The character data directly inside this element, references resolved.
    package var text: String {
        var result: [UInt8] = []
        var position = index + 1
        let end = Int(node.next)
        while position < end {
            let node = document.nodes[position]
            if node.name == nil { result += document.text[Int(node.start)..<Int(node.end)] }
            position = Int(node.next)
        }
        return String(decoding: result, as: UTF8.self)
    }

    package var isEmpty: Bool { Int(node.next) == index + 1 }

    /// The size of the element as it was received, in bytes.
    package var size: Int { Int(node.end - node.start) }

    package struct Children: Sequence, IteratorProtocol {
        let document: Document
        var position: Int
        let end: Int

        package mutating func next() -> Element? {
            while position < end {
                let index = position
                let node = document.nodes[index]
                position = Int(node.next)
                if node.name != nil { return Element(document: document, index: index) }
            }
            return nil
        }
    }
}

/// Whether a NUL-terminated name, such as documents have, is the given one.
@inline(__always)
func equal(_ name: UnsafePointer<UInt8>?, _ other: StaticString) -> Bool {
    guard let name else { return other.utf8CodeUnitCount == 0 }
    // Most names differ in their first letter.
    return name.pointee == other.utf8Start.pointee
        && strcmp(
            UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self),
            UnsafeRawPointer(other.utf8Start).assumingMemoryBound(to: CChar.self)) == 0
}

func bytes(_ name: UnsafePointer<UInt8>?) -> UnsafeRawBufferPointer {
    guard let name else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: name, count: strlen(UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self)))
}
