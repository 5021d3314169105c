/// A transcript that cannot be read: where and why.
package struct TranscriptError: Error, Sendable, Equatable, CustomStringConvertible {
    package let file: String
    /// Counted from 1.
    package let line: Int
    package let reason: String

    package init(file: String, line: Int, _ reason: String) {
        self.file = file
        self.line = line
        self.reason = reason
    }

    package var description: String { "\(file):\(line): \(reason)" }
}
