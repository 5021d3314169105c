/// A play that did not go as its transcript says: the step, and what happened instead.
package struct ReplayFailure: Error, Sendable, CustomStringConvertible {
    package let file: String
    package let line: Int
    /// The words of the step.
    package let step: String
    /// What went wrong, possibly on several lines.
    package let reason: String

    package var description: String { "\(file):\(line): \(step)\n\(reason)" }
}

/// Why a step failed; the player adds which step it was.
struct StepFailure: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }

    /// The expected element was answered by another one.
    init(expected: Markup, received: Markup, differences: [String], content: String) {
        reason = """
              expected:
            \(expected.indented(inheriting: content, by: "    "))
              received:
            \(received.ordered(like: expected).indented(inheriting: content, by: "    "))
              \(differences.joined(separator: "\n  "))
            """
    }
}

extension Markup {
    /// The element with its attributes, and those of its children, in the order of another one, so that the
    /// two can be compared by eye.
    fileprivate func ordered(like other: Markup) -> Markup {
        var ordered = self
        let names = other.attributes.map(\.name)
        ordered.attributes = names.compactMap { name in attributes.first { $0.name == name } }
        ordered.attributes += attributes.filter { !names.contains($0.name) }
        ordered.content = content.map { content in
            guard case .element(let child) = content,
                let model = other.children.first(where: { $0.name == child.name && $0.namespace == child.namespace })
            else { return content }
            return .element(child.ordered(like: model))
        }
        return ordered
    }
}
