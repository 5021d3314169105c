/// The name to bind with, made from the user's name: a DN (RFC 4514) or an Active Directory principal name.
struct NameTemplate: Sendable, Equatable {
    private enum Form: Sendable { case distinguishedName, principalName }

    private let form: Form
    /// The text around each `{user}`.
    private let pieces: [String]

    init(_ text: String) throws(DirectoryProblem) {
        func problem(_ reason: String) -> DirectoryProblem {
            DirectoryProblem(key: "user-template", text: "\"\(text)\" \(reason)")
        }
        pieces = FilterTemplate.pieces(of: text)
        guard pieces.count > 1 else {
            throw problem("does not contain {user}; write uid={user},ou=people,dc=example,dc=org or {user}@example.org")
        }
        // A space is legal in a value, not in the name of an attribute: {user} can only stand for a value.
        if DistinguishedName.isValid(pieces.joined(separator: "a b")) {
            form = .distinguishedName
        } else if pieces.count == 2, pieces[0].isEmpty, pieces[1].hasPrefix("@"),
            pieces[1].count > 1,
            !pieces[1].dropFirst().contains(where: { Self.notInPrincipals.contains($0) || $0 == " " })
        {
            form = .principalName
        } else {
            throw problem(
                "is neither a DN nor {user}@domain; write uid={user},ou=people,dc=example,dc=org or {user}@example.org")
        }
    }

    /// `nil` when nobody can have that name: either the form cannot carry it, or the directory's matching
    /// would take it for another one.
    func name(for user: String) -> String? {
        switch form {
        case .distinguishedName:
            // caseIgnoreMatch removes spaces at the ends and makes one of several (RFC 4518, section 2.6.1).
            guard !user.hasPrefix(" "), !user.hasSuffix(" "), !user.contains("  ") else { return nil }
            return pieces.joined(separator: DistinguishedName.escaped(user))
        case .principalName:
            // Nothing can be escaped in a principal name, and the same field takes DNs, GUIDs and paths.
            guard !user.contains(where: { Self.notInPrincipals.contains($0) }),
                user.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }),
                !user.hasPrefix(" "), !user.hasSuffix(" ")
            else { return nil }
            return pieces.joined(separator: user)
        }
    }

    private static let notInPrincipals: Set<Character> = Set("\"/\\[]{}:;|=,+*?<>@")
}
