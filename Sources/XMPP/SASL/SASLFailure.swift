/// Why an authentication failed: a condition for the peer and a private detail for the log (RFC 6120 §6.5).
package struct SASLFailure: Error, Hashable, Sendable {
    /// The name of the element inside `<failure/>`; open, because specifications add to the list.
    package struct Condition: RawRepresentable, Hashable, Sendable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        package static let aborted = Self(rawValue: "aborted")
        package static let accountDisabled = Self(rawValue: "account-disabled")
        package static let credentialsExpired = Self(rawValue: "credentials-expired")
        package static let encryptionRequired = Self(rawValue: "encryption-required")
        package static let incorrectEncoding = Self(rawValue: "incorrect-encoding")
        package static let invalidAuthzid = Self(rawValue: "invalid-authzid")
        package static let invalidMechanism = Self(rawValue: "invalid-mechanism")
        package static let malformedRequest = Self(rawValue: "malformed-request")
        package static let mechanismTooWeak = Self(rawValue: "mechanism-too-weak")
        package static let notAuthorized = Self(rawValue: "not-authorized")
        package static let temporaryAuthFailure = Self(rawValue: "temporary-auth-failure")
    }

    package let condition: Condition

    /// What happened, for the log only. Never sent, because it may tell an attacker which check failed; holds no
    /// password, and nothing of what the peer sent that could break a line of the log.
    package let detail: String?

    /// Whether the handshake ended before anything was tried, because the client wants something that is not on offer.
    let isMisunderstanding: Bool

    @inline(never)
    package init(_ condition: Condition, _ detail: String? = nil, isMisunderstanding: Bool = false) {
        self.condition = condition
        self.detail = detail
        self.isMisunderstanding = isMisunderstanding
    }
}

extension SASLFailure: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String { condition.rawValue }

    package var debugDescription: String {
        detail.map { "\(condition.rawValue): \($0)" } ?? condition.rawValue
    }
}
