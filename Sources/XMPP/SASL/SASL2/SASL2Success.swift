/// Who authenticated with SASL2, and how (XEP-0388 §2.6.1).
package struct SASL2Success: Hashable, Sendable {
    /// As the client sent it.
    package let username: String
    /// The name of the mechanism.
    package let mechanism: String
    /// The text for `<additional-data/>`, Base 64 encoded; nil if there is none, or if it was sent with a task.
    package let additionalData: [UInt8]?
    /// Set where a token took the place of the password (XEP-0484).
    package let token: TokenUse?

    package struct TokenUse: Hashable, Sendable {
        /// Whether the client is to be given a new one (§3.5).
        package let isDue: Bool
        package init(isDue: Bool) { self.isDue = isDue }
    }
}

/// What came of a token (XEP-0484 §3.4).
package enum TokenVerdict: Sendable {
    /// With the server's own proof (draft-schmaus-kitten-sasl-ht-09 §3.3), not yet encoded.
    case right(proof: [UInt8], isDue: Bool)
    case refused(SASLFailure)
}
