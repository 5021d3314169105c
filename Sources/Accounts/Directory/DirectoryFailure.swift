/// Why a directory gave no answer. Never "wrong password": that is an answer.
struct DirectoryFailure: Error, Sendable, Equatable, CustomStringConvertible {
    enum Kind: Sendable, Equatable {
        case resolveOrConnect
        case tls
        /// The directory refused the service account.
        case serviceAccount
        /// No answer in time.
        case timedOut
        /// The connection ended before the answer.
        case connectionLost
        /// The server said that it cannot answer now: it did not do what was asked.
        case busy
        /// The server broke the protocol, or refused the request itself.
        case refused
        /// A file or setting of ours.
        case configuration
    }

    let kind: Kind
    /// One clause for the administrator's log; holds no secret.
    let reason: String
    /// Whether the server may have received the request, so that repeating a bind could count as a second failure.
    var mayHaveArrived = false

    init(_ kind: Kind, _ reason: String, mayHaveArrived: Bool = false) {
        self.kind = kind
        self.reason = reason
        self.mayHaveArrived = mayHaveArrived
    }

    var description: String { reason }
}
