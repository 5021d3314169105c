/// One mistake in a configuration: a line naming the place, what is wrong and what to do.
package struct ConfigurationError: Error, Hashable, Sendable {
    /// The file as it was named by the administrator; nil when the mistake is in the program's own declarations.
    package let file: String?
    /// Line and column, counted from 1; nil when the mistake concerns the whole file.
    package let position: TextPosition?
    package let message: String
}

extension ConfigurationError: CustomStringConvertible {
    package var description: String {
        let place = [file, position?.description].compactMap { $0 }.joined(separator: ":")
        return place.isEmpty ? message : "\(place): \(message)"
    }
}

/// Every mistake found in a configuration, in the order of the file.
package struct ConfigurationErrors: Error, Equatable, Sendable {
    package let errors: [ConfigurationError]
}

extension ConfigurationErrors: CustomStringConvertible {
    /// One line for each mistake.
    package var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// A place in a text file, counted from 1; columns count Unicode scalars.
package struct TextPosition: Hashable, Comparable, Sendable {
    package let line: Int
    package let column: Int

    package static func < (left: Self, right: Self) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

extension TextPosition: CustomStringConvertible {
    package var description: String { "\(line):\(column)" }
}
