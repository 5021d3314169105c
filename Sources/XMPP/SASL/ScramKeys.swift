/// What a server keeps of a password for one SCRAM hash function (RFC 5802 §3).
package struct ScramKeys: Hashable, Sendable {
    package let salt: [UInt8]
    package let iterations: Int
    package let storedKey: [UInt8]
    package let serverKey: [UInt8]

    /// Keys as they were stored.
    package init(salt: [UInt8], iterations: Int, storedKey: [UInt8], serverKey: [UInt8]) {
        self.salt = salt
        self.iterations = iterations
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// Keys from a salted password, which is PBKDF2 of the prepared password with this salt and count.
    package init(saltedPassword: [UInt8], salt: [UInt8], iterations: Int, hash: ScramHash) {
        self.init(
            salt: salt, iterations: iterations,
            storedKey: hash.digest(hash.hmac(saltedPassword, ScramKeys.clientKeyLabel)),
            serverKey: hash.hmac(saltedPassword, ScramKeys.serverKeyLabel))
    }

    /// Whether the keys can be used with a hash function: a damaged row must not become a log-in nobody can explain.
    func fit(_ hash: ScramHash) -> Bool {
        !salt.isEmpty && iterations > 0 && storedKey.count == hash.size && serverKey.count == hash.size
    }

    static let clientKeyLabel = Array("Client Key".utf8)
    static let serverKeyLabel = Array("Server Key".utf8)
}
