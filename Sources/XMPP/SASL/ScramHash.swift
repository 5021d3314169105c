/// A hash function SCRAM runs on, passed in by whoever has a cryptographic library (RFC 5802 §4, RFC 7677).
package struct ScramHash: Sendable {
    /// The hash functions of the registered SCRAM mechanisms, strongest first.
    package enum Name: String, CaseIterable, Hashable, Sendable {
        case sha512 = "SHA-512"
        case sha256 = "SHA-256"
        case sha1 = "SHA-1"

        /// The size of the function's output in bytes.
        package var size: Int {
            switch self {
            case .sha512: 64
            case .sha256: 32
            case .sha1: 20
            }
        }
    }

    package let name: Name

    /// H(data): `size` bytes.
    package let digest: @Sendable (_ data: [UInt8]) -> [UInt8]

    /// HMAC(key, data): `size` bytes. The key may have any length, none included.
    package let hmac: @Sendable (_ key: [UInt8], _ data: [UInt8]) -> [UInt8]

    package var size: Int { name.size }

    package init(
        _ name: Name,
        digest: @escaping @Sendable (_ data: [UInt8]) -> [UInt8],
        hmac: @escaping @Sendable (_ key: [UInt8], _ data: [UInt8]) -> [UInt8]
    ) {
        self.name = name
        self.digest = digest
        self.hmac = hmac
    }

    /// Hi(password, salt, iterations), which is PBKDF2 with one block of output (RFC 5802 §2.2).
    ///
    /// It costs `iterations` calls of `hmac`, a millisecond for 4,096 with OpenSSL: fine for a client, while a server
    /// calls its library's own PBKDF2 off the event loop.
    package func saltedPassword(_ password: String, salt: [UInt8], iterations: Int) -> [UInt8] {
        let key = Array(password.utf8)
        var block = hmac(key, salt + [0, 0, 0, 1])
        var result = block
        for _ in stride(from: 1, to: iterations, by: 1) {
            block = hmac(key, block)
            for index in result.indices { result[index] ^= block[index] }
        }
        return result
    }
}
