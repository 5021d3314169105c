internal import CLibXML2
internal import NIOCore

/// One top-level element as the parser left it: a flat array of nodes over the received bytes.
///
/// Documents are reused by the parser that made them unless an `Element` still refers to them, so an element
/// may be kept as long as one likes. A document is immutable once `StanzaParser.parse` has returned it.
///
/// `@unchecked Sendable`: written only by its parser, which reuses it only while nobody else refers to it; the
/// names it points to live as long as `names`.
package final class Document: @unchecked Sendable {
    /// An element or a run of text; children follow their parent.
    struct Node {
        /// Local name, NUL-terminated, owned by `names`; nil for text.
        var name: UnsafePointer<UInt8>?
        var namespace: UnsafePointer<UInt8>?
        /// Offsets into `source`: `<` of the start tag, after it, `<` of the end tag, after it.
        /// Of text: offsets into `text`, in `start` and `end`.
        var start: UInt32
        var contentStart: UInt32 = 0
        var contentEnd: UInt32 = 0
        var end: UInt32
        /// Index of the node after this one and all below it.
        var next: Int32
        var attributes: Int32
        var attributeCount: UInt16
        var depth: UInt16
    }

    struct Attribute {
        var name: UnsafePointer<UInt8>
        var namespace: UnsafePointer<UInt8>?
        /// Offsets into `text`.
        var start: UInt32
        var end: UInt32
    }

    var nodes: [Node] = []
    var attributes: [Attribute] = []
    /// Attribute values and character data, references resolved.
    var text: [UInt8] = []
    /// The element as it was received.
    var source = ByteBuffer()
    /// The prefixes that the content of the top-level element may use without declaring them: those declared
    /// on the element itself and, if it uses any of these, on the stream's root.
    var outerDeclarations: [NamespaceDeclaration] = []
    /// Whether un-prefixed names in the content are in the namespace of the top-level element.
    var isContentDefault = true
    /// Whether the stanza, or a child that belongs to it and to no extension, is written with a prefix.
    var hasContentPrefix = false
    /// The first letters of the root's children, a bit for each: most names that are looked for begin like none of them.
    var childInitials: UInt64 = 0
    var names: NameDictionary

    init(names: NameDictionary) {
        self.names = names
    }

    /// The bit in `childInitials` of names that begin with a letter.
    @inline(__always)
    static func initial(_ letter: UInt8) -> UInt64 { 1 &<< UInt64(letter & 63) }
}

/// A prefix and the namespace it stands for, as declared on a stream's root.
package struct NamespaceDeclaration: Sendable, Hashable {
    package let prefix: String
    package let namespace: String

    package init(prefix: String, namespace: String) {
        self.prefix = prefix
        self.namespace = namespace
    }
}

/// The names a parser context has met, which its documents point into.
///
/// `@unchecked Sendable`: libxml2 counts the references to a dictionary under a lock of its own, and strings in
/// it never move or change; only the parser's loop adds to it.
final class NameDictionary: @unchecked Sendable {
    let pointer: xmlDictPtr

    /// Shares the ownership of a context's dictionary.
    init(sharing pointer: xmlDictPtr) {
        self.pointer = pointer
        xmlDictReference(pointer)
    }

    var count: Int { Int(xmlDictSize(pointer)) }

    /// The memory that the names take.
    var bytes: Int { Int(xmlDictGetUsage(pointer)) }

    deinit { xmlDictFree(pointer) }
}
