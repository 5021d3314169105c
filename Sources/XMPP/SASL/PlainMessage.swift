/// The only message of PLAIN: identity to act as, user name and password between NULs (RFC 4616 §2).
///
/// The strings are as the client sent them; preparing them (RFC 7622, RFC 8265) is up to the caller.
struct PlainMessage: Hashable, Sendable {
    let authzid: String?
    let username: String
    let password: String

    var bytes: [UInt8] { Array("\(authzid ?? "")\0\(username)\0\(password)".utf8) }

    init(authzid: String?, username: String, password: String) {
        self.authzid = authzid
        self.username = username
        self.password = password
    }

    init(parsing message: [UInt8]) throws(SASLFailure) {
        let parts = message.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw SASLFailure(.malformedRequest, "PLAIN has \(parts.count) parts, not 3") }
        guard
            let authzid = String(validating: parts[0], as: UTF8.self),
            let username = String(validating: parts[1], as: UTF8.self),
            let password = String(validating: parts[2], as: UTF8.self)
        else { throw SASLFailure(.malformedRequest, "PLAIN is not UTF-8") }
        // Beyond the grammar: a directory takes a bind with an empty password for an anonymous one, which succeeds.
        guard !username.isEmpty, !password.isEmpty else {
            throw SASLFailure(.malformedRequest, "PLAIN has an empty user name or password")
        }
        self.init(authzid: authzid.isEmpty ? nil : authzid, username: username, password: password)
    }
}
