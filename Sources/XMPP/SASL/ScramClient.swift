/// The client's side of one SCRAM exchange, in messages without their Base 64 (RFC 5802 §5).
package struct ScramClient: Sendable {
    /// What the client does about channel binding.
    package enum Binding: Hashable, Sendable {
        /// It cannot, or does not want to.
        case unsupported
        /// It could, but the server offers none.
        case notOffered
        case bound(ChannelBinding)
    }

    private enum State: Sendable {
        case awaitingServerFirst
        case awaitingServerFinal(signature: [UInt8])
        case verified
        case failed
    }

    /// The iteration counts a client accepts unless told otherwise; RFC 7677 §4 sets the lower bound.
    package static let acceptableIterations = 4096...1_000_000

    private let hash: ScramHash
    private let password: String
    private let binding: Binding
    private let first: ScramClientFirst
    private let advertisement: SASLAdvertisement?
    private let requiresDowngradeProtection: Bool
    private let iterations: ClosedRange<Int>
    private var state = State.awaitingServerFirst

    /// `username` and `password` are prepared. `advertisement` is what the client saw, checked if the server says what
    /// it sent; `requiresDowngradeProtection` makes it an error that the server does not.
    package init(
        hash: ScramHash, username: String, password: String, authzid: String? = nil, binding: Binding,
        nonce: ScramNonce, advertisement: SASLAdvertisement?, requiresDowngradeProtection: Bool = false,
        iterations: ClosedRange<Int> = acceptableIterations
    ) {
        self.hash = hash
        self.password = password
        self.binding = binding
        self.advertisement = advertisement
        self.requiresDowngradeProtection = requiresDowngradeProtection
        self.iterations = iterations
        let flag: GS2Header.Flag =
            switch binding {
            case .unsupported: .unsupported
            case .notOffered: .notOffered
            case .bound(let channelBinding): .bound(channelBinding.type)
            }
        first = ScramClientFirst(header: GS2Header(flag: flag, authzid: authzid), username: username, nonce: nonce)
    }

    /// Whether the server has proved that it knows the keys.
    package var isVerified: Bool {
        switch state {
        case .verified: true
        case .awaitingServerFirst, .awaitingServerFinal, .failed: false
        }
    }

    /// Whether the server-final-message is due.
    var awaitsServerFinal: Bool {
        switch state {
        case .awaitingServerFinal: true
        case .awaitingServerFirst, .verified, .failed: false
        }
    }

    /// client-first-message.
    package var initialResponse: [UInt8] { first.bytes }

    /// The server-first-message arrived; returns the client-final-message.
    package mutating func challenged(_ message: [UInt8]) throws(SASLClientError) -> [UInt8] {
        switch state {
        case .awaitingServerFirst:
            state = .failed
            let serverFirst: ScramServerFirst
            do throws(ScramSyntax.Violation) {
                serverFirst = try ScramServerFirst(parsing: message)
            } catch {
                throw .malformed(error.detail)
            }
            try check(serverFirst)
            let (final, signature) = prove(serverFirst)
            state = .awaitingServerFinal(signature: signature)
            return final.bytes
        case .awaitingServerFinal, .verified, .failed:
            state = .failed
            throw .outOfOrder
        }
    }

    /// The server-final-message arrived.
    package mutating func finished(_ message: [UInt8]) throws(SASLClientError) {
        switch state {
        case .awaitingServerFinal(let expected):
            state = .failed
            let final: ScramServerFinal
            do throws(ScramSyntax.Violation) {
                final = try ScramServerFinal(parsing: message)
            } catch {
                throw .malformed(error.detail)
            }
            switch final {
            case .signature(let signature):
                guard ConstantTime.areEqual(signature, expected) else { throw .wrongServerSignature }
            case .error(let value):
                throw .refused(value)
            }
            state = .verified
        case .awaitingServerFirst, .verified, .failed:
            state = .failed
            throw .outOfOrder
        }
    }

    private func check(_ serverFirst: ScramServerFirst) throws(SASLClientError) {
        guard serverFirst.nonce.count > first.nonce.count, serverFirst.nonce.starts(with: first.nonce) else {
            throw .wrongNonce
        }
        guard iterations.contains(serverFirst.iterations) else {
            throw .unacceptableIterationCount(serverFirst.iterations)
        }
        if let protection = serverFirst.downgradeProtectionHash {
            if let advertisement, advertisement.downgradeProtectionHash(hash) != protection { throw .downgrade }
        } else if requiresDowngradeProtection {
            throw .downgrade
        }
    }

    private func prove(_ serverFirst: ScramServerFirst) -> (ScramClientFinal, serverSignature: [UInt8]) {
        var input = first.header.bytes
        switch binding {
        case .unsupported, .notOffered: break
        case .bound(let channelBinding): input += channelBinding.data
        }
        let salted = hash.saltedPassword(password, salt: serverFirst.salt, iterations: serverFirst.iterations)
        let keys = ScramKeys(
            saltedPassword: salted, salt: serverFirst.salt, iterations: serverFirst.iterations, hash: hash)
        let withoutProof = ScramClientFinal.withoutProof(channelBindingInput: input, nonce: serverFirst.nonce)
        let authMessage = ScramProof.authMessage(first, serverFirst, withoutProof)
        let proof = ScramProof.xor(
            hash.hmac(salted, ScramKeys.clientKeyLabel), hash.hmac(keys.storedKey, authMessage))
        let final = ScramClientFinal(channelBindingInput: input, nonce: serverFirst.nonce, proof: proof)
        return (final, hash.hmac(keys.serverKey, authMessage))
    }
}
