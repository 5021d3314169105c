import Foundation
import Testing

@testable import XMPP

/// Compares preparation with other implementations over some hundred thousand texts; `vectors.py` says which.
@Suite struct VectorsTests {
    @Test func preparationAgreesWithOtherImplementations() throws {
        let vectors = try Vectors.generated()
        #expect(vectors.count > 350_000)

        var compared = 0
        var differences: [String] = []
        for vector in vectors {
            // ICU may be older than the other implementation's tables; what it does not know it has to refuse.
            if vector.text.unicodeScalars.contains(where: \.isUnassigned) { continue }
            compared += 1
            let result = vector.function.prepare(vector.text)
            if result.map({ Array($0.utf8) }) != vector.expected {
                differences.append("\(vector), got \(result.map(escaped) ?? "a refusal")")
            }
            if let result {
                let again = vector.function.prepare(result)
                if again.map({ Array($0.utf8) }) != Array(result.utf8) {
                    differences.append("\(vector): \(escaped(result)) is not stable")
                }
            }
        }
        #expect(compared > 350_000)
        #expect(
            differences.isEmpty, "\(differences.count) differences, the first: \(differences.prefix(20).joined(separator: "\n"))")
    }
}

/// One text and what it has to be prepared to.
private struct Vectors: CustomStringConvertible {
    enum Function: Character {
        case username = "U"
        case opaque = "O"
        case nickname = "N"
        case nicknameForComparison = "C"
        case domain = "D"

        func prepare(_ text: String) -> String? {
            switch self {
            case .username: try? Precis.usernameCaseMapped(text)
            case .opaque: try? Precis.opaqueString(text)
            case .nickname: try? Precis.nickname(text)
            case .nicknameForComparison: try? Precis.nicknameForComparison(text)
            case .domain: try? Domainpart.prepare(text)
            }
        }
    }

    let function: Function
    let text: String
    /// Nil where the text is refused.
    let expected: [UInt8]?

    var description: String {
        let expected = expected.map { escaped(String(decoding: $0, as: UTF8.self)) } ?? "a refusal"
        return "\(function) of \(escaped(text)): expected \(expected)"
    }

    static func generated() throws -> [Vectors] {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "vectors.py")
        let python = ProcessInfo.processInfo.environment["MARTLET_PYTHON"] ?? "python3"
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [python, script.path(percentEncoded: false)]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(
            process.terminationStatus == 0,
            """
            \(python) could not run \(script.lastPathComponent); set MARTLET_PYTHON to a Python 3 with the packages \
            precis-i18n and idna
            """)

        let fields = data.split(separator: 0xFF, omittingEmptySubsequences: false)
        return try stride(from: 0, to: fields.count - 1, by: 2).map { place in
            let expected = Array(fields[place + 1])
            return Vectors(
                function: try #require(fields[place].first.flatMap { Function(rawValue: Character(Unicode.Scalar($0))) }),
                text: String(decoding: fields[place].dropFirst(), as: UTF8.self),
                expected: expected.isEmpty ? nil : expected)
        }
    }
}

/// The text with every code point but visible ASCII as an escape.
private func escaped(_ text: String) -> String {
    text.unicodeScalars.map { ("!"..."~").contains($0) ? String($0) : "<\($0.codePoint)>" }.joined()
}
