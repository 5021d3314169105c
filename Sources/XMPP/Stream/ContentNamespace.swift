/// Whose stanzas a stream carries: the namespace that is the default one on its root (RFC 6120 §4.8.2).
package enum ContentNamespace: Sendable, Hashable {
    /// RFC 6120
    case client
    /// XEP-0114: stanzas of an external component, which are parsed as if they were in `jabber:client`.
    case component

    package var namespace: Namespace {
        switch self {
        case .client: .client
        case .component: .component
        }
    }
}

extension Namespace {
    /// XEP-0114 §3
    package static let component: Namespace = "jabber:component:accept"
}
