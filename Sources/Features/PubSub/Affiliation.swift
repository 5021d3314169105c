/// What somebody may do with a node (XEP-0060 §4.1). Of bare JIDs.
enum Affiliation: String, Sendable, CaseIterable {
    case owner, publisher
    case publishOnly = "publish-only"
    case member, none, outcast
}

/// Who may subscribe to a node and retrieve its items (XEP-0060 §4.5).
enum AccessModel: String, Sendable, CaseIterable {
    case authorize, open, presence, roster, whitelist
}

/// Who may publish to a node (XEP-0060 §16.4.4).
enum PublishModel: String, Sendable, CaseIterable {
    case publishers, subscribers, open
}
