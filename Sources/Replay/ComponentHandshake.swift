internal import TLS

/// How an external component proves that it knows its secret (XEP-0114 §3).
enum ComponentHandshake {
    static func perform(by client: ReplayClient) async throws {
        try await client.openStream()
        let digits = Array("0123456789abcdef")
        let digest = Hash.sha1.digest(Array((client.streamID + client.role.password).utf8))
        let proof = String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
        try await client.send("<handshake>\(proof)</handshake>")
        let answer = try await client.nextElement()
        guard answer.name == "handshake" else {
            throw StepFailure("  the handshake was answered with \(client.describe(.element(answer)))")
        }
        client.bound(to: client.role.jid)
    }
}
