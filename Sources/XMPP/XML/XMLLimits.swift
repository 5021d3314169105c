/// What one top-level element of a stream may cost its receiver (announced by XEP-0478).
package struct XMLLimits: Sendable, Equatable {
    /// Size in bytes, from `<` to the last `>`.
    package var bytes: Int
    /// Nesting below the top-level element, itself counted as one.
    package var depth: Int
    /// Attributes and namespace declarations of one element.
    package var attributes: Int
    /// Names, prefixes and namespaces that the parser has not met before.
    package var unknownNames: Int

    package init(bytes: Int = 262_144, depth: Int = 64, attributes: Int = 64, unknownNames: Int = 1_000) {
        self.bytes = bytes
        self.depth = depth
        self.attributes = attributes
        self.unknownNames = unknownNames
    }
}
