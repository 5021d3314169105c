/// SCRAM's first message: who the client is, and its share of the nonce (RFC 5802 §7, client-first-message).
struct ScramClientFirst: Hashable, Sendable {
    let header: GS2Header
    let username: String
    let nonce: [UInt8]

    /// client-first-message-bare, as it was sent.
    let bare: [UInt8]

    var bytes: [UInt8] { header.bytes + bare }

    init(header: GS2Header, username: String, nonce: ScramNonce) {
        self.header = header
        self.username = username
        self.nonce = nonce.text
        bare = Array("n=".utf8) + ScramSyntax.escaped(username) + Array(",r=".utf8) + nonce.text
    }

    init(parsing message: [UInt8]) throws(ScramSyntax.Violation) {
        let parts = try ScramSyntax.parts(of: message)
        guard parts.count >= 4 else { throw ScramSyntax.Violation("the first message is incomplete") }
        header = try GS2Header(flag: parts[0], authzid: parts[1])
        try ScramSyntax.checkMandatoryExtension(parts[2])
        username = try ScramSyntax.name(ScramSyntax.value(of: parts[2], "n"))
        nonce = try ScramSyntax.nonce(ScramSyntax.value(of: parts[3], "r"))
        try ScramSyntax.checkExtensions(parts[4...])
        bare = Array(message[parts[2].startIndex...])
    }
}
