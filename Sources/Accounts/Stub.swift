package import TLS
package final class Credentials: Sendable {
    package init() {}
    package func verify(password: [UInt8], user: String) async -> PasswordVerdict {
        String(decoding: password, as: UTF8.self) == "pw" + user.dropFirst(4) ? .accepted : .rejected }
    package func scramKeys(user: String, hash: Hash) async -> KeyLookup {
        let salt = Array("saltsaltsaltsalt".utf8)
        let salted = hash.pbkdf2(password: Array(("pw" + user.dropFirst(4)).utf8), salt: salt, iterations: 4096)
        return .keys(ScramKeys(salt: salt, iterations: 4096, storedKey: hash.digest(hash.hmac(key: salted, Array("Client Key".utf8))), serverKey: hash.hmac(key: salted, Array("Server Key".utf8))))
    }
    package func existence(of user: String) async -> Existence { user.hasPrefix("user") ? .exists : .unknown }
}
