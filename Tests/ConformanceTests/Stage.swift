import Accounts
import Replay
import Server

/// Where one transcript is played: a domain of a server.
struct Stage {
    let server: Server
    let domain: String
    let transport: any Transport
    /// Whether the server is for this transcript alone, and is stopped behind it.
    var isOwn = false

    func play(_ transcript: Transcript) async throws {
        var domains = Dictionary(
            uniqueKeysWithValues: transcript.domains.map { ($0, $0.hasSuffix("localhost") ? domain : $0) })
        // Below it are the addresses of components.
        domains["localhost"] = domain
        for (address, password) in transcript.accounts {
            let parts = address.split(separator: "@", maxSplits: 1)
            guard parts.count == 2, domains[String(parts[1])] == domain else { continue }
            let accounts = try server.localAccounts(of: domain)
            if let keys = transcript.keys[address] {
                try await accounts?.add(String(parts[0]), keys: OldKeys.made(of: password, for: keys))
            } else {
                try await accounts?.add(String(parts[0]), password: password)
            }
        }
        try await Player(through: transport, domains: domains).play(transcript)
    }
}
