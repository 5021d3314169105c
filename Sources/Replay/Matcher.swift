internal import XMPP

/// Compares a received element with the expected one by scansion's rules.
///
/// An element is matched loosely or strictly. Loosely, the attributes and children that are expected must be
/// there, in any order, and others do not matter; strictly, nothing else may be there and children must come in
/// the same order. Loose is the rule in the stream's default namespace and for what is of the stream itself,
/// strict is the rule elsewhere; `scansion:strict` on an element decides otherwise. The text directly inside an
/// element must be the same, but loosely only if some is expected. `{scansion:any}` stands for any value of an
/// attribute or text, and `{scansion:capture:name}` keeps the value.
struct Matcher {
    /// The default namespace of the stream.
    let content: String
    private(set) var captured: [String: String] = [:]

    init(content: String) {
        self.content = content
    }

    /// What differs, one sentence each; empty if the element matches.
    mutating func differences(_ expected: Markup, _ received: Markup) -> [String] {
        var differences: [String] = []
        compare(expected, received, at: "<\(expected.name)/>", &differences)
        return differences
    }

    /// The names that an expected element captures.
    static func captures(in expected: Markup) -> Set<String> {
        var names = Set(expected.attributes.compactMap { Self.capture($0.value) })
        if let name = Self.capture(expected.text) { names.insert(name) }
        return expected.children.reduce(into: names) { $0.formUnion(captures(in: $1)) }
    }

    private mutating func compare(
        _ expected: Markup, _ received: Markup, at path: String, _ differences: inout [String]
    ) {
        guard expected.name == received.name, expected.namespace == received.namespace else {
            differences.append(
                "\(path): expected <\(expected.name) xmlns='\(expected.namespace)'/>, "
                    + "received <\(received.name) xmlns='\(received.namespace)'/>")
            return
        }
        let isStrict = isStrict(expected)
        compareAttributes(expected, received, isStrict, at: path, &differences)
        if isStrict || !expected.text.isEmpty, !accepts(expected.text, received.text) {
            differences.append("\(path): expected the text \(quoted(expected.text)), received \(quoted(received.text))")
        }
        if isStrict {
            compareInOrder(expected.children, received.children, at: path, &differences)
        } else {
            compareInAnyOrder(expected.children, received.children, at: path, &differences)
        }
    }

    private func isStrict(_ expected: Markup) -> Bool {
        let explicit = expected.attributes.first { $0.namespace == Markup.scansionNamespace && $0.name == "strict" }
        if let explicit { return explicit.value == "true" }
        return expected.namespace != content && expected.namespace != Namespace.streams.description
    }

    private mutating func compareAttributes(
        _ expected: Markup, _ received: Markup, _ isStrict: Bool, at path: String, _ differences: inout [String]
    ) {
        for attribute in expected.attributes where attribute.namespace != Markup.scansionNamespace {
            let other = received.attributes.first { $0.name == attribute.name && $0.namespace == attribute.namespace }
            if let other {
                if !accepts(attribute.value, other.value) {
                    differences.append(
                        "\(path): expected \(attribute.name)=\(quoted(attribute.value)), received \(quoted(other.value))"
                    )
                }
            } else {
                differences.append("\(path): \(attribute.name)=\(quoted(attribute.value)) is missing")
            }
        }
        guard isStrict else { return }
        for attribute in received.attributes
        where !expected.attributes.contains(where: { $0.name == attribute.name && $0.namespace == attribute.namespace })
        {
            differences.append("\(path): \(attribute.name)=\(quoted(attribute.value)) is not expected")
        }
    }

    private mutating func compareInOrder(
        _ expected: [Markup], _ received: [Markup], at path: String, _ differences: inout [String]
    ) {
        for index in 0..<max(expected.count, received.count) {
            if index >= received.count {
                differences.append("\(path): <\(expected[index].name)/> is missing")
            } else if index >= expected.count {
                differences.append("\(path): <\(received[index].name)/> is not expected")
            } else {
                compare(expected[index], received[index], at: step(path, expected[index]), &differences)
            }
        }
    }

    /// Finds a received child for each expected one, none twice, by augmenting paths.
    private mutating func compareInAnyOrder(
        _ expected: [Markup], _ received: [Markup], at path: String, _ differences: inout [String]
    ) {
        let fits = expected.map { child in
            received.indices.filter { index in
                var attempt = self
                return attempt.differences(child, received[index]).isEmpty
            }
        }
        var owner = [Int?](repeating: nil, count: received.count)
        for index in expected.indices {
            var visited = [Bool](repeating: false, count: received.count)
            _ = assign(index, fits, &owner, &visited)
        }
        for index in expected.indices {
            let child = expected[index]
            if let found = owner.firstIndex(of: index) {
                compare(child, received[found], at: step(path, child), &differences)
            } else if let only = onlyIndex(of: child, in: received), owner[only] == nil {
                compare(child, received[only], at: step(path, child), &differences)
            } else {
                differences.append("\(path): \(child.serialized(inheriting: content)) is missing")
            }
        }
    }

    /// The one received child with the same name, whose differences are worth telling.
    private func onlyIndex(of child: Markup, in received: [Markup]) -> Int? {
        let namesakes = received.indices.filter {
            received[$0].name == child.name && received[$0].namespace == child.namespace
        }
        return namesakes.count == 1 ? namesakes[0] : nil
    }

    private func assign(_ index: Int, _ fits: [[Int]], _ owner: inout [Int?], _ visited: inout [Bool]) -> Bool {
        for candidate in fits[index] where !visited[candidate] {
            visited[candidate] = true
            if let other = owner[candidate], !assign(other, fits, &owner, &visited) { continue }
            owner[candidate] = index
            return true
        }
        return false
    }

    private mutating func accepts(_ expected: String, _ received: String) -> Bool {
        if expected == "{scansion:any}" { return true }
        if let name = Self.capture(expected) {
            captured[name] = received
            return true
        }
        return expected == received
    }

    private static func capture(_ text: String) -> String? {
        let start = "{scansion:capture:"
        guard text.hasPrefix(start), text.hasSuffix("}") else { return nil }
        return String(text.dropFirst(start.count).dropLast())
    }

    private func step(_ path: String, _ child: Markup) -> String { "\(path) <\(child.name)/>" }

    private func quoted(_ text: String) -> String { "'\(text)'" }
}
