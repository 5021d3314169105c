/// The client's only message of an HT mechanism: user name, NUL, and the hashed token (draft-schmaus-kitten-sasl-ht-09
/// §3.1).
package struct HashedTokenMessage: Hashable, Sendable {
    /// As the client sent it.
    package let username: String
    /// HMAC of "Initiator" and the channel-binding data under the token: 32 bytes.
    package let proof: [UInt8]

    package init(username: String, proof: [UInt8]) {
        self.username = username
        self.proof = proof
    }

    package var bytes: [UInt8] { Array(username.utf8) + [0] + proof }

    package init(parsing message: [UInt8]) throws(SASLFailure) {
        guard let end = message.firstIndex(of: 0), end > 0 else {
            throw SASLFailure(.malformedRequest, "HT without a user name")
        }
        guard let username = String(validating: message[..<end], as: UTF8.self) else {
            throw SASLFailure(.malformedRequest, "HT with a user name that is not UTF-8")
        }
        guard end <= SASLContext.maximumUsernameSize else {
            throw SASLFailure(.malformedRequest, "the user name has \(end) bytes")
        }
        let proof = Array(message[(end + 1)...])
        guard proof.count == Self.proofSize else {
            throw SASLFailure(.malformedRequest, "the hashed token has \(proof.count) bytes")
        }
        self.init(username: username, proof: proof)
    }

    /// What the client hashes with its token (§3.1).
    package static func initiator(_ channelBinding: [UInt8]) -> [UInt8] { Array("Initiator".utf8) + channelBinding }

    /// What the server hashes with the token in its answer (§3.3).
    package static func responder(_ channelBinding: [UInt8]) -> [UInt8] { Array("Responder".utf8) + channelBinding }

    /// The size of SHA-256's output.
    private static let proofSize = 32
}
