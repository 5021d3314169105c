/// How an external component proves that it knows its secret (XEP-0114 §3).
enum ComponentHandshake {
    static func perform(by client: ReplayClient) async throws {
        try await client.openStream()
        let proof = Digest.sha1Hexadecimal(Array((client.streamID + client.role.password).utf8))
        try await client.send("<handshake>\(proof)</handshake>")
        let answer = try await client.nextElement()
        guard answer.name == "handshake" else {
            throw StepFailure("  the handshake was answered with \(client.describe(.element(answer)))")
        }
        client.bound(to: client.role.jid)
    }
}
