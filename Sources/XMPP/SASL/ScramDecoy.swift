/// The keys shown for accounts that do not exist, so that a stranger cannot tell them from those that do.
///
/// The salt depends on the account name and the secret alone and is therefore the same at every attempt. It only
/// deceives while `iterations` and `saltSize` are those of real accounts and the secret outlives a restart
package struct ScramDecoy: Sendable {
    /// Random bytes of this server, kept like a private key.
    package let secret: [UInt8]
    package let iterations: Int

    /// In bytes; the output of the hash function bounds it (20 for SHA-1).
    package let saltSize: Int

    package init(secret: [UInt8], iterations: Int, saltSize: Int = 16) {
        self.secret = secret
        self.iterations = iterations
        self.saltSize = saltSize
    }

    /// Keys that no password fits. `account` is the prepared name: real accounts answer to every spelling of a name
    /// with one salt, so must the others.
    package func keys(for account: String, hash: ScramHash) -> ScramKeys {
        ScramKeys(
            salt: Array(bytes("salt", account, hash).prefix(saltSize)),
            iterations: iterations,
            storedKey: bytes("stored key", account, hash),
            serverKey: bytes("server key", account, hash))
    }

    private func bytes(_ purpose: String, _ account: String, _ hash: ScramHash) -> [UInt8] {
        hash.hmac(secret, Array("\(purpose)\0\(hash.name.rawValue)\0\(account)".utf8))
    }
}
