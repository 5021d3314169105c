/// A search filter with `{user}` where the user's name belongs (RFC 4515).
struct FilterTemplate: Sendable, Equatable {
    /// A part such as `(mail={user}@example.org)`: by it an entry says whose it is.
    private struct Naming: Sendable, Equatable {
        let attribute: String
        let before: String
        let after: String
    }

    /// The text around each `{user}`.
    private let pieces: [String]
    private let namings: [Naming]

    /// The attributes that an entry must show for ``names(_:user:)``.
    var attributes: [String] { namings.map(\.attribute) }

    init(_ text: String) throws(DirectoryProblem) {
        func problem(_ reason: String) -> DirectoryProblem {
            DirectoryProblem(key: "filter", text: "\"\(text)\" \(reason)")
        }
        var parser = Parser(text)
        guard parser.filter(negated: false), parser.isAtEnd else {
            throw problem("is no LDAP filter; write one such as (&(objectClass=person)(uid={user}))")
        }
        namings = parser.items.compactMap { item in
            guard !item.negated, !item.value.contains("*") else { return nil }
            let around = Self.pieces(of: item.value)
            guard around.count == 2 else { return nil }
            return Naming(
                attribute: item.attribute, before: Self.unescaped(around[0]), after: Self.unescaped(around[1]))
        }
        guard !namings.isEmpty else {
            throw problem("compares no attribute with {user}; add a part such as (uid={user})")
        }
        pieces = Self.pieces(of: text)
    }

    func filter(for user: String) -> String {
        pieces.joined(separator: Self.escaped(user))
    }

    /// Whether the entry is for exactly this user. A directory's matching is laxer than ours: it collapses
    /// spaces, and Active Directory ignores accents, so that one person would get several accounts.
    func names(_ entry: DirectoryEntry, user: String) -> Bool {
        namings.contains { naming in
            let wanted = (naming.before + user + naming.after).lowercased()
            return entry[naming.attribute].contains { String(validating: $0, as: UTF8.self)?.lowercased() == wanted }
        }
    }

    /// A value as it is written inside a filter (section 3).
    static func escaped(_ value: String) -> String {
        var out = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\0": out += "\\00"
            case "(": out += "\\28"
            case ")": out += "\\29"
            case "*": out += "\\2a"
            case "\\": out += "\\5c"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    static func pieces(of text: String) -> [String] {
        var pieces: [String] = []
        var rest = Substring(text)
        while let mark = rest.firstRange(of: "{user}") {
            pieces.append(String(rest[..<mark.lowerBound]))
            rest = rest[mark.upperBound...]
        }
        pieces.append(String(rest))
        return pieces
    }

    private static func unescaped(_ value: String) -> String {
        var bytes: [UInt8] = []
        var rest = value.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Finds the items of a filter (section 3), so that a mistake is told at the start and not at a log-in.
    private struct Parser {
        struct Item {
            let attribute: String
            let value: String
            let negated: Bool
        }

        private var rest: Substring
        private(set) var items: [Item] = []

        init(_ text: String) { rest = Substring(text) }

        var isAtEnd: Bool { rest.isEmpty }

        mutating func filter(negated: Bool, depth: Int = 0) -> Bool {
            guard depth < 32, rest.popFirst() == "(" else { return false }
            switch rest.first {
            case "&", "|":
                rest.removeFirst()
                repeat {
                    guard filter(negated: negated, depth: depth + 1) else { return false }
                } while rest.first == "("
            case "!":
                rest.removeFirst()
                guard filter(negated: true, depth: depth + 1) else { return false }
            default:
                guard item(negated: negated) else { return false }
            }
            return rest.popFirst() == ")"
        }

        private mutating func item(negated: Bool) -> Bool {
            guard let end = rest.firstIndex(where: { $0 == "(" || $0 == ")" }), rest[end] == ")",
                let equals = rest[..<end].firstIndex(of: "=")
            else { return false }
            let attribute = rest[..<equals]
            let value = rest[rest.index(after: equals)..<end]
            let name = attribute.last.map { "~<>".contains($0) } == true ? attribute.dropLast() : attribute
            guard !name.isEmpty, name.unicodeScalars.allSatisfy({ Self.inNames.contains($0) }),
                Self.escapesAreWhole(value)
            else {
                return false
            }
            // Only plain equality says whose an entry is: no ordering, no rule such as "memberOf:1.2…:=".
            items.append(
                Item(
                    attribute: name == attribute ? String(attribute) : "", value: String(value),
                    negated: negated || name != attribute || attribute.contains(":")))
            rest = rest[end...]
            return true
        }

        private static let inNames = Set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.;:".unicodeScalars)

        private static func escapesAreWhole(_ value: Substring) -> Bool {
            var rest = value
            while let slash = rest.firstIndex(of: "\\") {
                let code = rest[rest.index(after: slash)...].prefix(2)
                guard code.count == 2, code.allSatisfy(\.isHexDigit) else { return false }
                rest = rest[code.endIndex...]
            }
            return true
        }
    }
}
