/// SCRAM's third message: channel-binding data, nonce and the proof of the password (RFC 5802 §7,
/// client-final-message).
struct ScramClientFinal: Hashable, Sendable {
    /// cbind-input: the GS2 header and the channel-binding data.
    let channelBindingInput: [UInt8]
    let nonce: [UInt8]
    let proof: [UInt8]

    /// client-final-message-without-proof, as it was sent.
    let withoutProof: [UInt8]

    var bytes: [UInt8] { withoutProof + Array(",p=".utf8) + Base64.encode(proof) }

    static func withoutProof(channelBindingInput: [UInt8], nonce: [UInt8]) -> [UInt8] {
        Array("c=".utf8) + Base64.encode(channelBindingInput) + Array(",r=".utf8) + nonce
    }

    init(channelBindingInput: [UInt8], nonce: [UInt8], proof: [UInt8]) {
        self.channelBindingInput = channelBindingInput
        self.nonce = nonce
        self.proof = proof
        withoutProof = ScramClientFinal.withoutProof(channelBindingInput: channelBindingInput, nonce: nonce)
    }

    init(parsing message: [UInt8]) throws(ScramSyntax.Violation) {
        let parts = try ScramSyntax.parts(of: message)
        try ScramSyntax.checkMandatoryExtension(parts.first)
        guard parts.count >= 3 else { throw ScramSyntax.Violation("the final message is incomplete") }
        let last = parts[parts.count - 1]
        channelBindingInput = try ScramSyntax.base64(ScramSyntax.value(of: parts[0], "c"))
        nonce = try ScramSyntax.nonce(ScramSyntax.value(of: parts[1], "r"))
        proof = try ScramSyntax.base64(ScramSyntax.value(of: last, "p"))
        try ScramSyntax.checkExtensions(parts[2..<(parts.count - 1)])
        withoutProof = Array(message[..<(last.startIndex - 1)])
    }
}
