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

    private let pbkdf2: (@Sendable (_ password: [UInt8], _ salt: [UInt8], _ iterations: Int) -> [UInt8])?

    package var size: Int { name.size }

    /// - Parameter pbkdf2: the library's own Hi; without it `hmac` is called for each iteration.
    package init(
        _ name: Name,
        digest: @escaping @Sendable (_ data: [UInt8]) -> [UInt8],
        hmac: @escaping @Sendable (_ key: [UInt8], _ data: [UInt8]) -> [UInt8],
        pbkdf2: (@Sendable (_ password: [UInt8], _ salt: [UInt8], _ iterations: Int) -> [UInt8])? = nil
    ) {
        self.name = name
        self.digest = digest
        self.hmac = hmac
        self.pbkdf2 = pbkdf2
    }

    /// Hi(password, salt, iterations), which is PBKDF2 with one block of output (RFC 5802 §2.2).
    ///
    /// 4,096 iterations cost a millisecond with OpenSSL: fine for a client, while a server never does this on an event
    /// loop.
    package func saltedPassword(_ password: String, salt: [UInt8], iterations: Int) -> [UInt8] {
        let key = Array(password.utf8)
        if let pbkdf2 { return pbkdf2(key, salt, iterations) }
        var block = hmac(key, salt + [0, 0, 0, 1])
        var result = block
        for _ in stride(from: 1, to: iterations, by: 1) {
            block = hmac(key, block)
            for index in result.indices { result[index] ^= block[index] }
        }
        return result
    }
}
