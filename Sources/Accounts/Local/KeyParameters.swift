package import TLS

/// How keys are made from the passwords of local accounts.
///
/// They hold for new keys; an account keeps those it has until its password is set again.
package struct KeyParameters: Sendable {
    /// The hash functions that every account gets keys for: those of the SCRAM mechanisms that are offered, for which
    /// mechanism a client takes is decided before it says whose account it wants.
    package var hashes: [Hash]
    /// RFC 7677 section 4 asks for 4,096 at least.
    package var iterations: Int
    /// In bytes.
    package var saltLength: Int
    /// How many characters a new password must have: servers "SHOULD enforce minimal criteria for password strength"
    /// (RFC 6120 §13.9.4).
    package var minimumLength: Int

    package init(
        hashes: [Hash] = [.sha1, .sha256, .sha512], iterations: Int = 4_096, saltLength: Int = 16, minimumLength: Int = 1
    ) {
        precondition(!hashes.isEmpty && iterations > 0 && saltLength > 0, "keys need a hash, iterations and a salt")
        self.hashes = hashes
        self.iterations = iterations
        self.saltLength = saltLength
        self.minimumLength = minimumLength
    }

    /// The hash function that a password sent as such is checked with: SHA-256 costs a third of SHA-512, which
    /// processors have no instructions for.
    package var verifying: Hash {
        Self.preference.first { hashes.contains($0) } ?? .sha256
    }

    static let preference: [Hash] = [.sha256, .sha512, .sha1]
}
