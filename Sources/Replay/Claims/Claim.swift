internal import FoundationEssentials

/// What is claimed of one specification: the head of its `support.md`.
package struct Claim: Sendable, Equatable {
    /// XEP-0453's words.
    package enum Status: String, Sendable, CaseIterable {
        case complete, partial, planned, deprecated, removed, wontfix
    }

    /// The number of a XEP with four digits, or the name of an RFC such as `rfc6120`.
    package let specification: String
    /// The version of its text that was implemented.
    package let version: String
    package let status: Status
    /// The version of this server that had it first.
    package let since: String
    /// The Swift type that implements it.
    package let feature: String
    package let note: String

    package var isXEP: Bool { specification.allSatisfy(\.isNumber) }

    /// The folder below `xep/`.
    package var folder: String { isXEP ? "xep-\(specification)" : specification }

    /// The name as one writes it in a text.
    package var name: String {
        isXEP ? "XEP-\(specification)" : "RFC \(specification.drop { !$0.isNumber })"
    }

    private static let keys = ["xep", "version", "status", "since", "feature", "note"]

    /// Parses the text of a `support.md`.
    /// - Throws: `TranscriptError` with the line at fault.
    package init(parsing text: String, file: String) throws(TranscriptError) {
        var values: [String: String] = [:]
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, key) in Self.keys.enumerated() {
            guard index < lines.count, lines[index].hasPrefix("\(key): ") else {
                throw TranscriptError(file: file, line: index + 1, "expected `\(key): …`")
            }
            values[key] = String(lines[index].dropFirst(key.count + 2))
        }
        guard let status = Status(rawValue: values["status"] ?? "") else {
            throw TranscriptError(
                file: file, line: 3, "the status is one of \(Status.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        specification = values["xep"] ?? ""
        version = values["version"] ?? ""
        self.status = status
        since = values["since"] ?? ""
        feature = values["feature"] ?? ""
        note = values["note"] ?? ""
    }

    /// The claims in the folders of a folder, in order.
    /// - Throws: `TranscriptError` for the first that cannot be read.
    package static func all(in folder: String) throws(TranscriptError) -> [Claim] {
        var claims: [Claim] = []
        for entry in ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() {
            let file = "\(folder)/\(entry)/support.md"
            guard let bytes = FileManager.default.contents(atPath: file) else { continue }
            claims.append(try Claim(parsing: String(decoding: bytes, as: UTF8.self), file: file))
        }
        return claims
    }
}
