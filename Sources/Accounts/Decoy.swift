package import Storage
package import TLS
package import XMPP

/// What is shown and done for accounts that do not exist, so that a stranger cannot tell them from those that do.
///
/// Keys depend on the name and a secret alone: they are the same at every attempt and after a restart, for the secret
/// is kept in the database. They deceive while real accounts have the same parameters; one whose keys were made
/// under another iteration count is told apart until its password is set again.
package struct Decoy: Sendable {
    package let parameters: KeyParameters
    private let secret: [UInt8]

    /// - Parameter secret: 32 random bytes that nobody else knows.
    package init(secret: [UInt8], parameters: KeyParameters) {
        self.secret = secret
        self.parameters = parameters
    }

    /// With the database's secret, made when there is none.
    package init(database: Database, parameters: KeyParameters) async throws(StorageError) {
        let fresh = randomBytes(32)
        self.init(
            secret: try await database.write { try $0.secret("decoy", fresh: fresh) }, parameters: parameters)
    }

    /// Keys that no password fits.
    package func keys(user: String, domain: String, hash: Hash) -> ScramKeys {
        func bytes(_ purpose: String, _ count: Int) -> [UInt8] {
            let message = Array("\(purpose)\0\(hash.columnName)\0\(domain)\0\(user)".utf8)
            return Array(Hash.sha512.hmac(key: secret, message).prefix(count))
        }
        return ScramKeys(
            salt: bytes("salt", parameters.saltLength), iterations: parameters.iterations,
            storedKey: bytes("stored key", hash.digestLength), serverKey: bytes("server key", hash.digestLength))
    }
}

/// Random bytes of this server, made once and kept in its database.
package enum ServerSecret {
    /// The secret of this name.
    package static func named(_ name: String, _ database: Database) async throws(StorageError) -> [UInt8] {
        let fresh = randomBytes(32)
        return try await database.write { try $0.secret(name, fresh: fresh) }
    }
}
