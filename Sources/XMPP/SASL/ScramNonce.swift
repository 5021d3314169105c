/// One side's share of the nonce of a SCRAM exchange: printable ASCII without a comma (RFC 5802 §5.1).
package struct ScramNonce: Hashable, Sendable {
    package let text: [UInt8]

    /// A nonce from random bytes; 18 or more make it unpredictable.
    package init(random bytes: [UInt8]) {
        text = Base64.encode(bytes)
    }

    /// A nonce given as text, or nil when a character is not allowed or there is none.
    package init?(_ text: String) {
        guard ScramSyntax.isNonce(text.utf8) else { return nil }
        self.text = Array(text.utf8)
    }
}
