/// Where and how a person's entry is searched.
struct PeopleSearch: Sendable {
    let base: String
    let scope: DirectoryConfiguration.Scope
    let filter: FilterTemplate
    /// Those that say whose an entry is, and those that were configured.
    private let asked: [String]

    init(base: String, scope: DirectoryConfiguration.Scope, filter: FilterTemplate, attributes: [String]) {
        self.base = base
        self.scope = scope
        self.filter = filter
        // A list with repetitions is an error for some servers (RFC 4511, section 4.5.1.8).
        var seen = Set<String>()
        asked = (filter.attributes + attributes).filter { seen.insert($0.lowercased()).inserted }
    }

    enum Outcome: Sendable, Equatable {
        case found(DirectoryEntry)
        case unknown
        /// Several entries, or one that is not for exactly this user.
        case ambiguous
    }

    func search(for user: String) -> LDAPSearch {
        LDAPSearch(
            base: base, scope: scope, filter: filter.filter(for: user), attributes: asked,
            // Two are enough to know that one name means two people.
            sizeLimit: 2)
    }

    /// What a search's answer means.
    func outcome(of answer: LDAPAnswer, user: String) throws(DirectoryFailure) -> Outcome {
        switch answer.result.code {
        case LDAPResult.success: break
        case LDAPResult.sizeLimitExceeded where answer.entries.count > 1: return .ambiguous
        default: throw answer.result.failure(of: "the search below \(base)")
        }
        guard let entry = answer.entries.first else { return .unknown }
        guard answer.entries.count == 1 else { return .ambiguous }
        return filter.names(entry, user: user) ? .found(entry) : .unknown
    }
}
