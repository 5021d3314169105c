import TLS
import XMPP

/// Keys such as are brought from another server.
enum OldKeys {
    static func made(of password: String, for names: [String]) -> [Hash: ScramKeys] {
        let salt = randomBytes(16)
        var keys: [Hash: ScramKeys] = [:]
        for (name, hash) in [(ScramHash.Name.sha1, Hash.sha1), (.sha256, .sha256), (.sha512, .sha512)]
        where names.contains(name.rawValue) {
            let scram = ScramHash(name, digest: hash.digest, hmac: hash.hmac)
            keys[hash] = ScramKeys(
                saltedPassword: hash.pbkdf2(password: Array(password.utf8), salt: salt, iterations: 4_096), salt: salt,
                iterations: 4_096, hash: scram)
        }
        return keys
    }
}
