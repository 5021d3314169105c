internal import TLS
internal import XMPP

extension ScramKeys {
    /// Keys from PBKDF2 of the prepared password (RFC 5802 section 3).
    init(saltedPassword: [UInt8], salt: [UInt8], iterations: Int, hash: Hash) {
        self.init(
            salt: salt, iterations: iterations,
            storedKey: Self.storedKey(saltedPassword: saltedPassword, hash: hash),
            serverKey: hash.hmac(key: saltedPassword, Array("Server Key".utf8)))
    }

    static func storedKey(saltedPassword: [UInt8], hash: Hash) -> [UInt8] {
        hash.digest(hash.hmac(key: saltedPassword, Array("Client Key".utf8)))
    }
}
