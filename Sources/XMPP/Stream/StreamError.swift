/// An unrecoverable error of a stream, after which the stream is closed (RFC 6120 §4.9).
package struct StreamError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The name of the condition's element; an open set.
    package struct Condition: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
        package let name: Namespace
        package init(stringLiteral name: StaticString) { self.name = Namespace(name) }
        package var description: String { name.description }
    }

    package let condition: Condition
    /// Human-readable English, sent to the peer; nil sends none.
    package let text: String?
    /// The content of `<see-other-host/>` (RFC 6120 §4.9.3.19).
    package let otherHost: String?
    /// The application-specific condition (RFC 6120 §4.9.4).
    package let application: Application?

    /// An element that says more than the condition does.
    package struct Application: Sendable, Equatable {
        package let name: Namespace
        package let namespace: Namespace
        /// Names and values.
        package let attributes: [String: String]

        package init(_ name: StaticString, in namespace: Namespace, _ attributes: [String: String] = [:]) {
            self.name = Namespace(name)
            self.namespace = namespace
            self.attributes = attributes
        }
    }

    package init(
        _ condition: Condition, _ text: String? = nil, otherHost: String? = nil, application: Application? = nil
    ) {
        self.condition = condition
        self.text = text
        self.otherHost = otherHost
        self.application = application
    }

    package var description: String { text.map { "\(condition): \($0)" } ?? condition.description }
}

extension StreamError.Condition {
    package static let badFormat: Self = "bad-format"
    package static let badNamespacePrefix: Self = "bad-namespace-prefix"
    package static let conflict: Self = "conflict"
    package static let connectionTimeout: Self = "connection-timeout"
    package static let hostGone: Self = "host-gone"
    package static let hostUnknown: Self = "host-unknown"
    package static let improperAddressing: Self = "improper-addressing"
    package static let internalServerError: Self = "internal-server-error"
    package static let invalidFrom: Self = "invalid-from"
    package static let invalidNamespace: Self = "invalid-namespace"
    package static let invalidXML: Self = "invalid-xml"
    package static let notAuthorized: Self = "not-authorized"
    package static let notWellFormed: Self = "not-well-formed"
    package static let policyViolation: Self = "policy-violation"
    package static let remoteConnectionFailed: Self = "remote-connection-failed"
    package static let reset: Self = "reset"
    package static let resourceConstraint: Self = "resource-constraint"
    package static let restrictedXML: Self = "restricted-xml"
    package static let seeOtherHost: Self = "see-other-host"
    package static let systemShutdown: Self = "system-shutdown"
    package static let undefinedCondition: Self = "undefined-condition"
    package static let unsupportedEncoding: Self = "unsupported-encoding"
    package static let unsupportedFeature: Self = "unsupported-feature"
    package static let unsupportedStanzaType: Self = "unsupported-stanza-type"
    package static let unsupportedVersion: Self = "unsupported-version"
}
