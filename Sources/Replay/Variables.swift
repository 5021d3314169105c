internal import FoundationEssentials
internal import TLS
internal import XMPP

/// What `${…}` in a transcript stands for while it is played.
///
/// - `${Romeo's JID}`: the bare address of a role
/// - `${Romeo's full JID}`: the address its stream is bound to
/// - `${Romeo's PLAIN}`: its initial response of SASL PLAIN in base64 (RFC 4616)
/// - `${Romeo's HT-SHA-256-NONE of token}`: its initial response with the captured token (XEP-0484)
/// - `${Romeo's SHA-256 of salt}`: its password, salted with what was captured, 4,096 times (XEP-0480)
/// - `${name}`: what `{scansion:capture:name}` captured last
/// - `${3000 times x}`: the text that many times, not escaped
struct Variables {
    /// The roles' bare addresses, local parts and passwords.
    private let roles: [Transcript.Role]
    /// Bound addresses, by the roles' names.
    var fullJIDs: [String: String] = [:]
    /// The channel bindings of the roles' connections, by the roles' names.
    var bindings: [String: [ChannelBinding]] = [:]
    var captured: [String: String] = [:]

    init(roles: [Transcript.Role]) {
        self.roles = roles
    }

    /// What stands between `${` and `}`.
    enum Expression: Equatable {
        case bareJID(role: String)
        case fullJID(role: String)
        case plain(role: String)
        case hashedToken(role: String, mechanism: HashedTokenMechanism, token: String)
        case saltedPassword(role: String, hash: ScramHash.Name, salt: String)
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
            } else if let (role, what, name) = Self.derived(text), let mechanism = HashedTokenMechanism(rawValue: what) {
                self = .hashedToken(role: role, mechanism: mechanism, token: name)
            } else if let (role, what, name) = Self.derived(text), let hash = ScramHash.Name(rawValue: what) {
                self = .saltedPassword(role: role, hash: hash, salt: name)
            } else {
                self = .captured(String(text))
            }
        }

        /// `ROLE's WHAT of NAME`
        private static func derived(_ text: Substring) -> (role: String, what: String, name: String)? {
            let words = text.split(separator: " ")
            guard words.count >= 4, words[words.count - 2] == "of" else { return nil }
            let role = words.dropLast(3).joined(separator: " ")
            guard role.hasSuffix("'s") else { return nil }
            return (String(role.dropLast(2)), String(words[words.count - 3]), String(words[words.count - 1]))
        }

        /// The captured value that is needed.
        var needed: String? {
            switch self {
            case .captured(let name), .hashedToken(_, _, let name), .saltedPassword(_, _, let name): name
            case .bareJID, .fullJID, .plain, .repeated: nil
            }
        }

        /// The role that is spoken of.
        var role: String? {
            switch self {
            case .bareJID(let role), .fullJID(let role), .plain(let role), .hashedToken(let role, _, _),
                .saltedPassword(let role, _, _):
                role
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
            case .hashedToken(_, let mechanism, let name): role.flatMap { hashedToken(mechanism, captured[name], $0) }
            case .saltedPassword(_, let hash, let name): role.flatMap { saltedPassword(hash, captured[name], $0) }
            case .captured(let name): captured[name]
            case .repeated: nil
            }
        guard let value else { throw MissingValue(variable: String(text)) }
        return Markup.escaped(value)
    }

    /// draft-schmaus-kitten-sasl-ht-09 §3.1
    private func hashedToken(_ mechanism: HashedTokenMechanism, _ token: String?, _ role: Transcript.Role) -> String? {
        guard let token else { return nil }
        let binding = bindings[role.name]?.first { $0.type == mechanism.channelBindingType }?.data ?? []
        let message = HashedTokenMessage(
            username: role.localpart,
            proof: Hash.sha256.hmac(key: Array(token.utf8), HashedTokenMessage.initiator(binding)))
        return Data(message.bytes).base64EncodedString()
    }

    /// XEP-0480 §4
    private func saltedPassword(_ name: ScramHash.Name, _ salt: String?, _ role: Transcript.Role) -> String? {
        guard let salt = salt.flatMap({ Data(base64Encoded: $0) }) else { return nil }
        let hash: Hash =
            switch name {
            case .sha1: .sha1
            case .sha256: .sha256
            case .sha512: .sha512
            }
        return Data(hash.pbkdf2(password: Array(role.password.utf8), salt: Array(salt), iterations: 4_096))
            .base64EncodedString()
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

extension Transcript {
    /// Whether somebody logs in with a token, for which the channel bindings must be known.
    var hashesTokens: Bool {
        steps.contains { step in
            guard case .sends(let template) = step.action else { return false }
            return template.text.contains("'s HT-")
        }
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
            if let name = expression.needed, !captures.contains(name) {
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
