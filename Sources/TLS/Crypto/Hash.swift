/// The hash functions of SCRAM, channel bindings and digests, through OpenSSL's providers.

import COpenSSL

package enum Hash: Sendable, CaseIterable {
    case sha1
    case sha256
    case sha512

    /// The length of a digest in bytes.
    package var digestLength: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha512: 64
        }
    }

    package func digest(_ message: [UInt8]) -> [UInt8] {
        digest(message.span)
    }

    package func digest(_ message: borrowing Span<UInt8>) -> [UInt8] {
        message.withUnsafeBufferPointer { message in
            output { EVP_Digest(message.baseAddress, message.count, $0, nil, function, nil) == 1 }
        }
    }

    /// RFC 2104.
    package func hmac(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        hmac(key: key.span, message.span)
    }

    /// RFC 2104.
    package func hmac(key: borrowing Span<UInt8>, _ message: borrowing Span<UInt8>) -> [UInt8] {
        key.withUnsafeBufferPointer { key in
            message.withUnsafeBufferPointer { message in
                output { result in
                    guard let code = EVP_MAC_CTX_dup(template) else { return false }
                    defer { EVP_MAC_CTX_free(code) }
                    // No pointer would mean "the key of before", which an empty array may have.
                    var none: UInt8 = 0
                    var length = 0
                    return withUnsafePointer(to: &none) { none in
                        EVP_MAC_init(code, key.baseAddress ?? none, key.count, nil) == 1
                            && EVP_MAC_update(code, message.baseAddress, message.count) == 1
                            && EVP_MAC_final(code, result, &length, digestLength) == 1
                    }
                }
            }
        }
    }

    /// PBKDF2 with HMAC (RFC 8018 section 5.2). 10,000 iterations take milliseconds: never on an event loop.
    /// - Parameters:
    ///   - iterations: at least one is made.
    ///   - length: of the result in bytes; that of a digest when nil.
    package func pbkdf2(password: [UInt8], salt: [UInt8], iterations: Int, length: Int? = nil) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: length ?? digestLength)
        let done = password.withUnsafeBytes { password in
            PKCS5_PBKDF2_HMAC(
                password.baseAddress?.assumingMemoryBound(to: CChar.self), CInt(clamping: password.count), salt,
                CInt(clamping: salt.count), CInt(clamping: max(1, iterations)), function, CInt(result.count), &result)
        }
        precondition(done == 1, "OpenSSL's providers offer no PBKDF2")
        return result
    }

    private func output(_ compute: (UnsafeMutablePointer<UInt8>?) -> Bool) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: digestLength) { buffer, count in
            let done = compute(buffer.baseAddress)
            // Not a matter of input: without these functions no server of XMPP can run.
            precondition(done, "OpenSSL's providers do not offer \(self)")
            count = digestLength
        }
    }

    // Fetching costs more than hashing a short message. Never freed or changed: written once under Swift's own lock.
    nonisolated(unsafe) private static let sha1Function = fetch("SHA1")
    nonisolated(unsafe) private static let sha256Function = fetch("SHA256")
    nonisolated(unsafe) private static let sha512Function = fetch("SHA512")
    nonisolated(unsafe) private static let sha1Template = hmacTemplate("SHA1")
    nonisolated(unsafe) private static let sha256Template = hmacTemplate("SHA256")
    nonisolated(unsafe) private static let sha512Template = hmacTemplate("SHA512")

    private var function: OpaquePointer? {
        switch self {
        case .sha1: Self.sha1Function
        case .sha256: Self.sha256Function
        case .sha512: Self.sha512Function
        }
    }

    /// An HMAC with its hash function chosen, to be copied for each use.
    private var template: OpaquePointer? {
        switch self {
        case .sha1: Self.sha1Template
        case .sha256: Self.sha256Template
        case .sha512: Self.sha512Template
        }
    }

    private static func fetch(_ name: String) -> OpaquePointer? {
        OpenSSLLibrary.prepare()
        return EVP_MD_fetch(nil, name, nil)
    }

    private static func hmacTemplate(_ name: String) -> OpaquePointer? {
        OpenSSLLibrary.prepare()
        guard let mac = EVP_MAC_fetch(nil, "HMAC", nil), let template = EVP_MAC_CTX_new(mac) else { return nil }
        EVP_MAC_free(mac)
        // Parameters keep pointers: both strings must live until they are used.
        let isReady = OSSL_MAC_PARAM_DIGEST.withCString { key in
            name.withCString { value in
                let parameters = [
                    OSSL_PARAM_construct_utf8_string(key, UnsafeMutablePointer(mutating: value), 0),
                    OSSL_PARAM_construct_end(),
                ]
                // Only what has a key can be copied.
                return EVP_MAC_init(template, [0], 1, parameters) == 1
            }
        }
        return isReady ? template : nil
    }
}
