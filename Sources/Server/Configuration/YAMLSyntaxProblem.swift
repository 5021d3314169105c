import Yams

/// Translates what the YAML parser complains of into what is wrong and what to do.
enum YAMLSyntaxProblem {
    static func describe(_ error: YamlError, in text: String) -> YAMLText.Problem {
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            describe(problem, context: context, mark: mark, text: text)
        case .duplicatedKeysInMapping(let keys, let context):
            duplicate(keys.first ?? "", first: context.mark, text: text)
        case .reader(let problem, _, _, _):
            YAMLText.Problem(position: nil, message: "cannot be read as text: \(problem)")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            YAMLText.Problem(position: nil, message: "cannot be read as YAML: \(error)")
        }
    }

    private static func describe(_ problem: String, context: YamlError.Context?, mark: Mark, text: String)
        -> YAMLText.Problem
    {
        let position = TextPosition(line: mark.line, column: mark.column)
        let opened = context.map { "opened in line \($0.mark.line)" } ?? "opened before"
        let message =
            switch problem {
            case "mapping values are not allowed in this context":
                "unexpected \":\"; check the indentation, and put a value that contains \": \" in quotes"
            case "did not find expected key":
                "this does not fit the section it stands in; check the indentation and put values with special characters in quotes"
            case "did not find expected '-' indicator", "block sequence entries are not allowed in this context":
                "this does not fit the list it stands in; every entry begins with \"- \" in the same column"
            case "could not find expected ':'":
                "a key must be followed by \": \""
            case "found character that cannot start any token":
                "unexpected \"\(character(at: mark, in: text))\"; put the value in quotes"
            case "did not find expected ',' or ']'":
                "the list \(opened) with \"[\" needs a comma here or \"]\" at its end"
            case "did not find expected ',' or '}'":
                "the section \(opened) with \"{\" needs a comma here or \"}\" at its end"
            case "found unexpected end of stream":
                "the text \(opened) has no closing quotation mark"
            case "found undefined alias":
                "aliases (*) are not used here; put a value that begins with \"*\" in quotes"
            case "but found another document":
                "a second document begins here; remove this \"---\" line"
            case _ where problem.hasPrefix("Maximum nesting level"):
                "too many sections and lists inside each other"
            default:
                "not valid YAML (\(problem)); check the indentation and the quotes here"
            }
        return YAMLText.Problem(position: position, message: message)
    }

    private static func duplicate(_ key: String, first: Mark, text: String) -> YAMLText.Problem {
        let key = YAMLNode.shortened(key)
        guard let line = secondLine(of: key, first: first, text: text) else {
            return YAMLText.Problem(
                position: TextPosition(line: first.line, column: first.column),
                message: "key \"\(key)\" appears more than once in the same section; keep one")
        }
        return YAMLText.Problem(
            position: TextPosition(line: line, column: first.column),
            message: "key \"\(key)\" appeared already in line \(first.line); keep one")
    }

    /// The parser names only the first place: look for the second in the same column, as sections are mostly written.
    private static func secondLine(of key: String, first: Mark, text: String) -> Int? {
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated().dropFirst(first.line) {
            let content = line.drop { $0 == " " }
            guard let start = content.first, start != "#", start != "\r" else { continue }
            let column = line.count - content.count + 1
            if column < first.column { return nil }
            guard column == first.column else { continue }
            let name = String(content.prefix { $0 != ":" }).trimmed(of: " \"'")
            if name == key, content.contains(":") { return index + 1 }
        }
        return nil
    }

    private static func character(at mark: Mark, in text: String) -> String {
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.indices.contains(mark.line - 1) else { return "" }
        return lines[mark.line - 1].dropFirst(mark.column - 1).first.map(String.init) ?? ""
    }
}

extension String {
    fileprivate func trimmed(of characters: String) -> String {
        String(drop { characters.contains($0) }.reversed().drop { characters.contains($0) }.reversed())
    }
}
