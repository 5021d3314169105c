/// How the values of one type are described, read from YAML and written back.
struct SettingKind<Value: Sendable & Equatable>: Sendable {
    /// What a value must be, as the end of "must be …".
    let expectation: String
    /// The values there are, for the comment of the reference configuration, where they are not plain from the default.
    let range: String?
    /// The value that a node stands for.
    let read: @Sendable (YAMLNode) throws(SettingProblem) -> Value
    /// YAML that reads back as the value.
    let write: @Sendable (Value) -> String

    /// A kind that reads one unquoted word.
    init(
        _ expectation: String, range: String? = nil, word: @escaping @Sendable (String) -> Value?,
        write: @escaping @Sendable (Value) -> String
    ) {
        self.init(
            expectation, range: range,
            read: { (node) throws(SettingProblem) in
                guard case .scalar(let text, let quoted) = node.content else { throw .mismatch(node, expectation) }
                guard !quoted else {
                    throw SettingProblem(node.position, "must be \(expectation), without quotes")
                }
                guard let value = word(text) else { throw .mismatch(node, expectation) }
                return value
            }, write: write)
    }

    init(
        _ expectation: String, range: String? = nil,
        read: @escaping @Sendable (YAMLNode) throws(SettingProblem) -> Value,
        write: @escaping @Sendable (Value) -> String
    ) {
        self.expectation = expectation
        self.range = range
        self.read = read
        self.write = write
    }

    /// The same with one word more, which stands for the absence of a value.
    func optional(_ none: String) -> SettingKind<Value?> {
        let expectation = "\(expectation), or \(none)"
        return SettingKind<Value?>(
            expectation, range: range.map { "\($0), or \(none)" } ?? "Or \(none)",
            read: { (node) throws(SettingProblem) in
                if case .scalar(none, _) = node.content { return nil }
                guard let value = try? self.read(node) else { throw .mismatch(node, expectation) }
                return value
            },
            write: { $0.map(write) ?? none })
    }
}

/// What is wrong with the value of a setting, in words that follow its name.
struct SettingProblem: Error, Equatable {
    let position: TextPosition
    let text: String

    init(_ position: TextPosition, _ text: String) {
        self.position = position
        self.text = text
    }

    static func mismatch(_ node: YAMLNode, _ expectation: String) -> Self {
        if node.isNull {
            return Self(node.position, "has no value; give \(expectation), or remove the line")
        }
        return Self(node.position, "must be \(expectation), not \(node.found)")
    }
}
