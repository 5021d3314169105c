internal import FoundationEssentials

/// What `${…}` in a transcript stands for while it is played.
///
/// - `${Romeo's JID}`: the bare address of a role
/// - `${Romeo's full JID}`: the address its stream is bound to
/// - `${Romeo's PLAIN}`: its initial response of SASL PLAIN in base64 (RFC 4616)
/// - `${name}`: what `{scansion:capture:name}` captured last
/// - `${3000 times x}`: the text that many times, not escaped
struct Variables {
    /// The roles' bare addresses, local parts and passwords.
    private let roles: [Transcript.Role]
    /// Bound addresses, by the roles' names.
    var fullJIDs: [String: String] = [:]
    var captured: [String: String] = [:]

    init(roles: [Transcript.Role]) {
        self.roles = roles
    }

    /// What stands between `${` and `}`.
    enum Expression: Equatable {
        case bareJID(role: String)
        case fullJID(role: String)
        case plain(role: String)
        case repeated(count: Int, text: String)
        case captured(String)

        init(_ text: Substring) {
            let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            if text.hasSuffix("'s full JID") {
                self = .fullJID(role: String(text.dropLast("'s full JID".count)))
            } else if text.hasSuffix("'s JID") {
                self = .bareJID(role: String(text.dropLast("'s JID".count)))
            } else if text.hasSuffix("'s PLAIN") {
                self = .plain(role: String(text.dropLast("'s PLAIN".count)))
            } else if words.count == 3, words[1] == "times", let count = Int(words[0]) {
                self = .repeated(count: count, text: String(words[2]))
            } else {
                self = .captured(String(text))
            }
        }

        /// The role that is spoken of.
        var role: String? {
            switch self {
            case .bareJID(let role), .fullJID(let role), .plain(let role): role
            case .repeated, .captured: nil
            }
        }
    }

    /// The text with its variables replaced.
    /// - Throws: the text of a variable that has no value.
    func substitute(in text: String) throws(MissingValue) -> String {
        var result = ""
        for part in Self.parts(of: text) {
            switch part {
            case .text(let text): result += text
            case .expression(let text): result += try value(of: text)
            }
        }
        return result
    }

    struct MissingValue: Error {
        let variable: String
    }

    private func value(of text: Substring) throws(MissingValue) -> String {
        let expression = Expression(text)
        if case .repeated(let count, let text) = expression { return String(repeating: text, count: count) }
        let role = expression.role.flatMap { name in roles.first { $0.name == name } }
        let value: String? =
            switch expression {
            case .bareJID: role?.bareJID
            case .fullJID: role.flatMap { role in fullJIDs[role.name] ?? (role.jid.contains("/") ? role.jid : nil) }
            case .plain: role.map { Data("\0\($0.localpart)\0\($0.password)".utf8).base64EncodedString() }
            case .captured(let name): captured[name]
            case .repeated: nil
            }
        guard let value else { throw MissingValue(variable: String(text)) }
        return Markup.escaped(value)
    }

    enum Part {
        case text(Substring)
        case expression(Substring)
    }

    static func parts(of text: String) -> [Part] {
        var parts: [Part] = []
        var rest = text[...]
        while let start = rest.firstRange(of: "${"), let end = rest[start.upperBound...].firstIndex(of: "}") {
            parts.append(.text(rest[..<start.lowerBound]))
            parts.append(.expression(rest[start.upperBound..<end]))
            rest = rest[rest.index(after: end)...]
        }
        parts.append(.text(rest))
        return parts
    }
}

extension Substring {
    fileprivate func firstRange(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}

/// Finds variables without a value and texts that are not well-formed before a play begins.
enum VariableCheck {
    static func check(_ transcript: Transcript) throws(TranscriptError) {
        var captures: Set<String> = []
        for step in transcript.steps {
            guard let role = step.role.map({ transcript.roles[$0] }) else { continue }
            switch step.action {
            case .sends(let template):
                try check(template, of: transcript, captures)
                _ = try markup(template, of: transcript, role)
            case .sendsRaw(let template):
                try check(template, of: transcript, captures)
            case .receives(let template):
                try check(template, of: transcript, captures)
                captures.formUnion(Matcher.captures(in: try markup(template, of: transcript, role)))
            case .connects, .disconnects, .losesConnection, .startsTLS, .receivesNothing, .streamCloses, .connectionEnds,
                .timePasses:
                continue
            }
        }
    }

    private static func check(
        _ template: Transcript.Template, of transcript: Transcript, _ captures: Set<String>
    ) throws(TranscriptError) {
        for case .expression(let text) in Variables.parts(of: template.text) {
            let expression = Variables.Expression(text)
            if let role = expression.role, !transcript.roles.contains(where: { $0.name == role }) {
                throw TranscriptError(file: transcript.file, line: template.line, "`${\(text)}`: there is no `\(role)`")
            }
            if case .captured(let name) = expression, !captures.contains(name) {
                throw TranscriptError(
                    file: transcript.file, line: template.line,
                    "`${\(text)}` is unknown; a step above would have to receive `{scansion:capture:\(name)}`")
            }
        }
    }

    /// The template with variables left empty, to see whether it is well-formed.
    private static func markup(
        _ template: Transcript.Template, of transcript: Transcript, _ role: Transcript.Role
    ) throws(TranscriptError) -> Markup {
        let text = Variables.parts(of: template.text).reduce(into: "") { result, part in
            if case .text(let text) = part { result += text }
        }
        do {
            return try Markup(parsing: text, in: role.contentNamespace)
        } catch {
            throw TranscriptError(
                file: transcript.file, line: template.line, "the text is not one well-formed element: \(error)")
        }
    }
}
