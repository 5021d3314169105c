/// SCRAM's last message: the server's proof that it knows the keys, or an error (RFC 5802 §7, server-final-message).
///
/// In XMPP a failure is an element of its own (RFC 6120 §6.4.5), so that only other servers send the error.
enum ScramServerFinal: Hashable, Sendable {
    case signature([UInt8])
    case error(String)

    var bytes: [UInt8] {
        switch self {
        case .signature(let signature): Array("v=".utf8) + Base64.encode(signature)
        case .error(let value): Array("e=\(value)".utf8)
        }
    }

    init(parsing message: [UInt8]) throws(ScramSyntax.Violation) {
        let parts = try ScramSyntax.parts(of: message)
        try ScramSyntax.checkExtensions(parts[1...])
        if parts[0].starts(with: "e=".utf8) {
            self = .error(String(decoding: try ScramSyntax.value(of: parts[0], "e"), as: UTF8.self))
        } else {
            self = .signature(try ScramSyntax.base64(ScramSyntax.value(of: parts[0], "v")))
        }
    }
}
