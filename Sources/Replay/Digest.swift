internal import COpenSSL

/// The hash functions that clients need, from OpenSSL.
enum Digest {
    /// SHA-1 in lower-case hexadecimal, as XEP-0114 wants it.
    static func sha1Hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        for byte in hash(bytes, EVP_sha1()) { result += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: result, as: UTF8.self)
    }

    private static func hash(_ bytes: [UInt8], _ function: OpaquePointer?) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var size: UInt32 = 0
        EVP_Digest(bytes, bytes.count, &digest, &size, function, nil)
        return Array(digest.prefix(Int(size)))
    }
}
