internal import FoundationEssentials

/// A client's side of a SASL exchange, with messages in base64 as XMPP carries them (RFC 6120 §6).
struct Authentication {
    let mechanism: String
    let initialResponse: String

    /// Takes the mechanism the role asks for, or the best of those offered.
    init(of role: Transcript.Role, offered: [String]) async throws(StepFailure) {
        guard offered.contains("PLAIN") else {
            throw StepFailure("  none of the mechanisms offered is known: \(offered.joined(separator: ", "))")
        }
        mechanism = "PLAIN"
        initialResponse = Data("\0\(role.localpart)\0\(role.password)".utf8).base64EncodedString()
    }

    mutating func respond(to challenge: String) throws(StepFailure) -> String {
        throw StepFailure("  PLAIN knows no challenge")
    }

    mutating func succeed(with data: String) throws(StepFailure) {}
}
