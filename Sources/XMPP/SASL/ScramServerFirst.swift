/// SCRAM's second message: the whole nonce and how the password was salted (RFC 5802 §7, server-first-message).
struct ScramServerFirst: Hashable, Sendable {
    let nonce: [UInt8]
    let salt: [UInt8]
    let iterations: Int

    /// Attribute `h` of XEP-0474, Base 64 encoded.
    let downgradeProtectionHash: [UInt8]?

    /// The message, as it was sent.
    let bytes: [UInt8]

    init(nonce: [UInt8], salt: [UInt8], iterations: Int, downgradeProtectionHash: [UInt8]?) {
        self.nonce = nonce
        self.salt = salt
        self.iterations = iterations
        self.downgradeProtectionHash = downgradeProtectionHash
        var bytes = Array("r=".utf8) + nonce
        bytes += Array(",s=".utf8) + Base64.encode(salt)
        bytes += Array(",i=\(iterations)".utf8)
        if let downgradeProtectionHash { bytes += Array(",h=".utf8) + downgradeProtectionHash }
        self.bytes = bytes
    }

    init(parsing message: [UInt8]) throws(ScramSyntax.Violation) {
        let parts = try ScramSyntax.parts(of: message)
        try ScramSyntax.checkMandatoryExtension(parts.first)
        guard parts.count >= 3 else { throw ScramSyntax.Violation("the server's first message is incomplete") }
        nonce = try ScramSyntax.nonce(ScramSyntax.value(of: parts[0], "r"))
        salt = try ScramSyntax.base64(ScramSyntax.value(of: parts[1], "s"))
        iterations = try ScramSyntax.number(ScramSyntax.value(of: parts[2], "i"))
        let extensions = parts[3...]
        try ScramSyntax.checkExtensions(extensions)
        let hashes = extensions.filter { $0.first == UInt8(ascii: "h") }
        guard hashes.count <= 1 else { throw ScramSyntax.Violation("attribute h is there twice") }
        downgradeProtectionHash = hashes.first.map { Array($0.dropFirst(2)) }
        bytes = message
    }
}
