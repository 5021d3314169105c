/// Why a client gives up an authentication; what it was told about the server's failure is not among it.
package enum SASLClientError: Error, Hashable, Sendable {
    /// No offered mechanism can be used.
    case noMechanism

    /// The lists of mechanisms and channel-binding types contradict each other (XEP-0440, Business Rules).
    case suspiciousOffer

    /// The lists are not the ones the server sent, or it does not say so where it must (XEP-0474).
    case downgrade

    case incorrectEncoding
    case malformed(String)

    /// The server's nonce does not begin with ours, or adds nothing.
    case wrongNonce

    /// The iteration count is so low that listeners could guess the password, or absurdly high.
    case unacceptableIterationCount(Int)

    /// `e=` of a server-final-message.
    case refused(String)

    /// The server does not know the password either.
    case wrongServerSignature

    /// The server sent something when nothing was due, or ended before it proved itself.
    case outOfOrder
}
