/// Reads the language of transcripts, scansion's with our additions (`xep/README.md`).
package struct TranscriptParser {
    private var transcript: Transcript
    private var line = 0
    /// The step that indented lines belong to, and those lines.
    private var open: (words: String, role: Int?, verb: Verb, line: Int)?
    private var block: [(number: Int, text: String)] = []
    private var inPlay = false
    /// The number of the group announced by `# in any order`, until another kind of step ends it.
    private var group: (number: Int, role: Int?)?
    private var groups = 0

    /// Parses the text of a transcript.
    /// - Parameter file: its name for messages.
    /// - Throws: `TranscriptError` naming the line.
    package static func parse(_ text: String, file: String) throws(TranscriptError) -> Transcript {
        var parser = TranscriptParser(transcript: Transcript(file: file))
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            parser.line += 1
            try parser.read(line.last == "\r" ? line.dropLast() : line)
        }
        try parser.finish()
        return parser.transcript
    }

    private init(transcript: Transcript) {
        self.transcript = transcript
    }

    private enum Verb {
        case sends, sendsRaw, receives
        case complete(Transcript.Action)
    }

    private mutating func read(_ text: Substring) throws(TranscriptError) {
        let trimmed = text.trimmed
        if text.first == " " || text.first == "\t" {
            if inPlay, open != nil {
                block.append((line, String(text)))
            } else if trimmed.isEmpty || trimmed.hasPrefix("#") {
                return
            } else if inPlay {
                throw error("text below nothing: an indented line belongs to a step such as `Romeo sends:`")
            } else {
                try property(trimmed)
            }
        } else if trimmed.isEmpty {
            if open != nil { block.append((line, "")) }
        } else if trimmed.hasPrefix("#") || trimmed.hasPrefix("//") || inPlay && trimmed.hasPrefix("--") {
            try comment(trimmed)
        } else if trimmed.allSatisfy({ $0 == "-" }), trimmed.count >= 3, !inPlay {
            guard !transcript.roles.isEmpty else { throw error("no [Client] is defined above the dashes") }
            try checkRoles()
            inPlay = true
        } else if inPlay {
            try step(trimmed)
        } else {
            try role(trimmed)
        }
    }

    private mutating func finish() throws(TranscriptError) {
        guard inPlay else { throw error("a line of dashes must follow the definitions of the roles") }
        try closeStep()
        try VariableCheck.check(transcript)
    }

    // MARK: Head

    private mutating func comment(_ text: Substring) throws(TranscriptError) {
        if text.hasPrefix("##"), !inPlay {
            transcript.tags.append(String(text.drop { $0 == "#" }.trimmed))
            return
        }
        let words = text.drop { $0 == "#" || $0 == "/" }.trimmed
        if words.hasPrefix("needs:") {
            for need in words.dropFirst("needs:".count).split(separator: ",") {
                let parts = need.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, !parts[0].trimmed.isEmpty else {
                    throw error("`\(need.trimmed)` is not of the form key=value")
                }
                transcript.needs[String(parts[0].trimmed)] = String(parts[1].trimmed)
            }
        } else if words == "in any order" || words == "in any order:" {
            try closeStep()
            groups += 1
            group = (groups, nil)
        } else if transcript.title == nil, !inPlay, text.hasPrefix("#"), transcript.roles.isEmpty {
            transcript.title = String(words)
        }
    }

    private mutating func role(_ text: Substring) throws(TranscriptError) {
        guard text.first == "[", let end = text.firstIndex(of: "]") else {
            throw error("expected `[Client] Name`, an indented `key: value`, or a line of dashes")
        }
        let kind = text[text.index(after: text.startIndex)..<end]
        guard let kind = Transcript.Role.Kind(rawValue: String(kind)) else {
            throw error("`[\(kind)]` is unknown; there are [Client] and [Component]")
        }
        let name = String(text[text.index(after: end)...].trimmed)
        guard !name.isEmpty else { throw error("the role has no name") }
        guard !transcript.roles.contains(where: { $0.name == name }) else { throw error("`\(name)` is defined twice") }
        transcript.roles.append(Transcript.Role(name: name, kind: kind, line: line))
    }

    private mutating func property(_ text: Substring) throws(TranscriptError) {
        guard let last = transcript.roles.indices.last else { throw error("a property stands before the first role") }
        guard let colon = text.firstIndex(of: ":") else { throw error("expected `key: value`") }
        let key = text[..<colon].trimmed
        let value = String(text[text.index(after: colon)...].trimmed)
        switch key {
        case "jid": transcript.roles[last].jid = value
        case "password": transcript.roles[last].password = value
        case "resource": transcript.roles[last].resource = value
        case "domain": transcript.roles[last].domain = value
        case "mechanism": transcript.roles[last].mechanism = value
        case "host", "connect_host": transcript.roles[last].host = value
        case "port", "connect_port":
            guard let port = Int(value), (1...65_535).contains(port) else { throw error("`\(value)` is no port") }
            transcript.roles[last].port = port
        case "sasl": transcript.roles[last].profile = try choice(value, key)
        case "keys":
            transcript.roles[last].keys = value.split(separator: " ").map(String.init)
        case "account": transcript.roles[last].account = try choice(value, key)
        case "tls": transcript.roles[last].encryption = try choice(value, key)
        case "stops-at": transcript.roles[last].stopsAt = try choice(value, key)
        default:
            throw error(
                "`\(key)` is unknown; there are jid, password, resource, domain, host, port, tls, sasl, mechanism, stops-at, keys and account"
            )
        }
    }

    private func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ value: String, _ key: Substring
    ) throws(TranscriptError) -> Choice {
        guard let choice = Choice(rawValue: value) else {
            throw error("\(key) is one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    private func checkRoles() throws(TranscriptError) {
        for role in transcript.roles where role.jid.isEmpty {
            throw TranscriptError(file: transcript.file, line: role.line, "\(role.name) has no jid")
        }
    }

    // MARK: Play

    private mutating func step(_ text: Substring) throws(TranscriptError) {
        try closeStep()
        if text.hasPrefix(Self.timePasses) {
            let time = text.dropFirst(Self.timePasses.count).trimmed
            open = (String(text), nil, .complete(.timePasses(try duration(time))), line)
            return
        }
        // Names may contain spaces and each other: `Juliet's phone` before `Juliet`.
        let names = transcript.roles.indices.sorted {
            transcript.roles[$0].name.utf8.count > transcript.roles[$1].name.utf8.count
        }
        for index in names {
            let name = transcript.roles[index].name
            guard text.hasPrefix(name) else { continue }
            let rest = text.dropFirst(name.count)
            guard rest.first == " " || rest.hasPrefix("'s stream ") || rest.hasPrefix("'s connection ") else { continue }
            open = (String(text), index, try verb(rest.trimmed), line)
            return
        }
        throw error("no role of this transcript is at the start of `\(text)`, nor `Time passes:`")
    }

    private static let timePasses = "Time passes:"

    /// `90 seconds`, `10 minutes`, `1 hour`, `2 days`.
    private func duration(_ text: Substring) throws(TranscriptError) -> Duration {
        let words = text.split(separator: " ")
        let units = ["second": 1, "minute": 60, "hour": 3_600, "day": 86_400]
        guard words.count == 2, let count = Int(words[0]), (1...1_000_000).contains(count),
            let seconds = units[words[1].hasSuffix("s") ? String(words[1].dropLast()) : String(words[1])]
        else { throw error("`\(text)` is no time; write 90 seconds, 10 minutes, 1 hour or 2 days") }
        return .seconds(count * seconds)
    }

    private func verb(_ text: Substring) throws(TranscriptError) -> Verb {
        switch text {
        case "connects": return .complete(.connects)
        case "disconnects": return .complete(.disconnects)
        case "loses the connection": return .complete(.losesConnection)
        case "starts TLS": return .complete(.startsTLS)
        case "receives: nothing": return .complete(.receivesNothing)
        case "sends", "sends:": return .sends
        case "sends raw:": return .sendsRaw
        case "receives", "receives:": return .receives
        case "'s stream closes": return .complete(.streamCloses(nil))
        case "'s connection ends": return .complete(.connectionEnds)
        default: break
        }
        let closing = "'s stream closes with:"
        if text.hasPrefix(closing) {
            let condition = text.dropFirst(closing.count).trimmed
            guard !condition.isEmpty else { throw error("which stream error does the stream close with?") }
            return .complete(.streamCloses(String(condition)))
        }
        throw error(
            "`\(text)` is no action; there are connects, disconnects, sends:, receives:, receives: nothing, sends raw:, "
                + "'s stream closes with: CONDITION, 's stream closes, 's connection ends, starts TLS and loses the connection")
    }

    private mutating func closeStep() throws(TranscriptError) {
        guard let step = open else { return }
        let template = dedented()
        open = nil
        block = []
        let action: Transcript.Action
        switch step.verb {
        case .complete(let complete):
            guard template == nil else { throw error("no text can stand below this", at: step.line) }
            action = complete
        case .sends, .sendsRaw, .receives:
            guard let template else { throw error("an indented text must stand below this", at: step.line) }
            switch step.verb {
            case .sends: action = .sends(template)
            case .sendsRaw: action = .sendsRaw(template)
            default: action = .receives(template)
            }
        }
        var unordered: Int?
        if case .receives = action, let group, group.role == nil || group.role == step.role {
            unordered = group.number
            self.group = (group.number, step.role)
        } else {
            group = nil
        }
        transcript.steps.append(
            Transcript.Step(line: step.line, words: step.words, role: step.role, action: action, unordered: unordered))
    }

    /// The lines below a step without blank ones around them and without their common indentation.
    private func dedented() -> Transcript.Template? {
        var lines = block[...]
        while lines.first?.text.allSatisfy(\.isWhitespace) == true { lines.removeFirst() }
        while lines.last?.text.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
        guard let first = lines.first else { return nil }
        let indentation =
            lines.compactMap { line in
                line.text.firstIndex { $0 != " " && $0 != "\t" }.map {
                    line.text.distance(from: line.text.startIndex, to: $0)
                }
            }.min() ?? 0
        let text = lines.map { String($0.text.dropFirst(indentation)) }.joined(separator: "\n")
        return Transcript.Template(text: text, line: first.number)
    }

    private func error(_ text: String, at other: Int? = nil) -> TranscriptError {
        TranscriptError(file: transcript.file, line: other ?? line, text)
    }
}

extension StringProtocol {
    /// Without the blanks around it.
    var trimmed: SubSequence {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return self[startIndex..<startIndex] }
        return self[first...last]
    }
}
