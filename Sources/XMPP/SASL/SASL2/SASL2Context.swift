/// What the server knows when a stream begins to authenticate with SASL2; constant for one stream.
package struct SASL2Context: Sendable {
    package let sasl: SASLContext
    /// The mechanisms for tokens that are offered (XEP-0484 §3.1).
    package let tokenMechanisms: [HashedTokenMechanism]
    /// The hash functions that the account of a user name has no keys for, the name as it was sent.
    package let lackingKeys: @Sendable (_ username: String) -> Set<ScramHash.Name>

    package init(
        sasl: SASLContext, tokenMechanisms: [HashedTokenMechanism] = [],
        lackingKeys: @escaping @Sendable (_ username: String) -> Set<ScramHash.Name> = { _ in [] }
    ) {
        self.sasl = sasl
        self.tokenMechanisms = tokenMechanisms
        self.lackingKeys = lackingKeys
    }
}
