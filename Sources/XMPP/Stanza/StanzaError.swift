/// The refusal of one stanza, answered to its sender (RFC 6120 §8.3).
package struct StanzaError: Error, Sendable, CustomStringConvertible {
    /// What the sender may do about it (§8.3.2).
    package enum Kind: String, Sendable {
        case auth, cancel, `continue`, modify, wait
    }

    /// The name of the defined condition's element; an open set.
    package struct Condition: Sendable, Hashable, CustomStringConvertible {
        package let name: Namespace
        package let kind: Kind
        package init(_ name: StaticString, _ kind: Kind) {
            self.name = Namespace(name)
            self.kind = kind
        }
        package var description: String { name.description }
    }

    package let condition: Condition
    package let kind: Kind
    /// Human-readable English; nil sends none.
    package let text: String?
    /// An application-specific condition: element name and namespace (§8.3.4).
    package let application: (name: StaticString, namespace: Namespace)?
    /// The attribute `feature` of the application-specific condition, where it has one (XEP-0060).
    package var feature: String?
    /// Its attribute `retry-after`, where it has one, in seconds (XEP-0433).
    package var retryAfter: Int?
    /// The content of `<gone/>` and `<redirect/>`.
    package let address: String?
    /// Whether the refused stanza is sent back with the error; not where it holds a secret.
    package var returnsStanza = true

    package init(
        _ condition: Condition, _ text: String? = nil, kind: Kind? = nil,
        application: (name: StaticString, namespace: Namespace)? = nil, address: String? = nil
    ) {
        self.condition = condition
        self.kind = kind ?? condition.kind
        self.text = text
        self.application = application
        self.address = address
    }

    package var description: String { text.map { "\(condition): \($0)" } ?? condition.description }

    /// Writes `<error/>`.
    /// - Parameter by: the entity that refuses, where that is of use to the receiver (§8.3.1).
    package func write(into writer: inout XMLWriter, by: String? = nil) {
        writer.element("error", ["type": kind.rawValue, "by": by]) { writer in
            writer.element(condition.name.text, in: .stanzaErrors) { writer in
                if let address { writer.text(address) }
            }
            writer.element("text", in: .stanzaErrors, ["xml:lang": "en"], text: text)
            if let application { writer.element(application.name, in: application.namespace, ["feature": feature, "retry-after": retryAfter.map(String.init)]) }
        }
    }
}

/// RFC 6120 §8.3.3, with the error type that each is associated with there.
extension StanzaError.Condition {
    package static let badRequest = Self("bad-request", .modify)
    package static let conflict = Self("conflict", .cancel)
    package static let featureNotImplemented = Self("feature-not-implemented", .cancel)
    package static let forbidden = Self("forbidden", .auth)
    package static let gone = Self("gone", .cancel)
    package static let internalServerError = Self("internal-server-error", .cancel)
    package static let itemNotFound = Self("item-not-found", .cancel)
    package static let jidMalformed = Self("jid-malformed", .modify)
    package static let notAcceptable = Self("not-acceptable", .modify)
    package static let notAllowed = Self("not-allowed", .cancel)
    package static let notAuthorized = Self("not-authorized", .auth)
    package static let policyViolation = Self("policy-violation", .modify)
    package static let recipientUnavailable = Self("recipient-unavailable", .wait)
    package static let redirect = Self("redirect", .modify)
    package static let registrationRequired = Self("registration-required", .auth)
    package static let remoteServerNotFound = Self("remote-server-not-found", .cancel)
    package static let remoteServerTimeout = Self("remote-server-timeout", .wait)
    package static let resourceConstraint = Self("resource-constraint", .wait)
    package static let serviceUnavailable = Self("service-unavailable", .cancel)
    package static let subscriptionRequired = Self("subscription-required", .auth)
    package static let undefinedCondition = Self("undefined-condition", .cancel)
    package static let unexpectedRequest = Self("unexpected-request", .wait)
}
