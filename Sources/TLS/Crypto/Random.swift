/// Unpredictable bytes and comparison that tells an attacker nothing by its duration.

import COpenSSL

/// Bytes for keys, salts and nonces.
package func randomBytes(_ count: Int) -> [UInt8] {
    OpenSSLLibrary.prepare()
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        // A server without entropy must not go on; nothing that a peer sends leads here.
        precondition(RAND_bytes(buffer.baseAddress, CInt(count)) == 1, "the system provides no random numbers")
        initialized = count
    }
}

/// Whether two secrets are equal; takes as long for unequal ones of the same length.
package func constantTimeEqual(_ first: [UInt8], _ second: [UInt8]) -> Bool {
    first.count == second.count && CRYPTO_memcmp(first, second, first.count) == 0
}
