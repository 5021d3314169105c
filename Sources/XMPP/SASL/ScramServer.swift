/// The server's side of one SCRAM exchange, in messages without their Base 64 (RFC 5802 §5).
///
/// The exchange with an unknown user runs like that with a wrong password, on decoy keys, to the same failure.
package struct ScramServer: Sendable {
    package enum Action: Sendable {
        /// Ask the account sources and answer with `keysFound`. The name is as the client sent it.
        case lookUpKeys(username: String)
        case challenge([UInt8])
        case succeeded(username: String, channelBinding: ChannelBindingType?, serverFinal: [UInt8])
        case failed(SASLFailure)
        /// The event came too late to matter.
        case ignored
    }

    private struct Proving: Sendable {
        let first: ScramClientFirst
        let serverFirst: ScramServerFirst
        let keys: ScramKeys
        let isDecoy: Bool
        let refusal: SASLFailure?
    }

    private enum State: Sendable {
        case awaitingClientFirst
        case awaitingKeys(ScramClientFirst)
        case awaitingClientFinal(Proving)
        case finished
    }

    private let hash: ScramHash
    private let bindsChannel: Bool
    private let nonce: ScramNonce
    private let context: SASLContext
    private var state = State.awaitingClientFirst

    /// `bindsChannel` is whether the client chose the `-PLUS` mechanism; `nonce` must be fresh.
    package init(hash: ScramHash, bindsChannel: Bool, nonce: ScramNonce, context: SASLContext) {
        self.hash = hash
        self.bindsChannel = bindsChannel
        self.nonce = nonce
        self.context = context
    }

    package mutating func received(_ message: [UInt8]) -> Action {
        do throws(SASLFailure) {
            switch state {
            case .awaitingClientFirst:
                let first = try clientFirst(message)
                state = .awaitingKeys(first)
                return .lookUpKeys(username: first.username)
            case .awaitingKeys:
                throw SASLFailure(.malformedRequest, "a response came before the challenge")
            case .awaitingClientFinal(let proving):
                let action = try clientFinal(message, proving)
                state = .finished
                return action
            case .finished:
                throw SASLFailure(.malformedRequest, "a response came after the end of the exchange")
            }
        } catch {
            state = .finished
            return .failed(error)
        }
    }

    package mutating func keysFound(_ lookup: ScramLookup) -> Action {
        switch state {
        case .awaitingKeys(let first):
            switch lookup {
            case .found(let keys, let refusal):
                guard keys.fit(hash) else {
                    return failed(SASLFailure(.temporaryAuthFailure, "the stored keys are damaged"))
                }
                return challenged(first, keys, isDecoy: false, refusal)
            case .unknown(let account):
                return challenged(first, context.decoy.keys(for: account, hash: hash), isDecoy: true, nil)
            case .failed(let detail):
                return failed(SASLFailure(.temporaryAuthFailure, detail))
            }
        case .awaitingClientFirst, .awaitingClientFinal, .finished:
            return .ignored
        }
    }

    private mutating func failed(_ failure: SASLFailure) -> Action {
        state = .finished
        return .failed(failure)
    }

    private mutating func challenged(
        _ first: ScramClientFirst, _ keys: ScramKeys, isDecoy: Bool, _ refusal: SASLFailure?
    ) -> Action {
        let serverFirst = ScramServerFirst(
            nonce: first.nonce + nonce.text, salt: keys.salt, iterations: keys.iterations,
            downgradeProtectionHash: context.downgradeProtection[hash.name])
        state = .awaitingClientFinal(
            Proving(first: first, serverFirst: serverFirst, keys: keys, isDecoy: isDecoy, refusal: refusal))
        return .challenge(serverFirst.bytes)
    }

    private func clientFirst(_ message: [UInt8]) throws(SASLFailure) -> ScramClientFirst {
        let first: ScramClientFirst
        do throws(ScramSyntax.Violation) {
            first = try ScramClientFirst(parsing: message)
        } catch {
            throw SASLFailure(.malformedRequest, error.detail)
        }
        switch first.header.flag {
        case .unsupported:
            guard !bindsChannel else { throw SASLFailure(.malformedRequest, "flag n with a -PLUS mechanism") }
        case .notOffered:
            guard !bindsChannel else { throw SASLFailure(.malformedRequest, "flag y with a -PLUS mechanism") }
            // RFC 5802 §6: the client did not see our -PLUS mechanisms, so somebody must have removed them.
            guard !context.offer.offersChannelBinding else {
                throw SASLFailure(.notAuthorized, "the client was not shown the channel bindings on offer")
            }
        case .bound(let type):
            guard bindsChannel else { throw SASLFailure(.malformedRequest, "flag p without a -PLUS mechanism") }
            guard channelBinding(type) != nil else {
                throw SASLFailure(
                    .malformedRequest, "channel-binding type \(type.rawValue.prefix(32)) was not offered",
                    isMisunderstanding: true)
            }
        }
        try context.check(username: first.username, authzid: first.header.authzid)
        return first
    }

    private func clientFinal(_ message: [UInt8], _ proving: Proving) throws(SASLFailure) -> Action {
        let final: ScramClientFinal
        do throws(ScramSyntax.Violation) {
            final = try ScramClientFinal(parsing: message)
        } catch {
            throw SASLFailure(.malformedRequest, error.detail)
        }
        guard final.proof.count == hash.size else {
            throw SASLFailure(.malformedRequest, "the proof has \(final.proof.count) bytes")
        }
        guard final.nonce == proving.serverFirst.nonce else {
            throw SASLFailure(.notAuthorized, "the nonce is not ours")
        }
        var input = proving.first.header.bytes
        let binding: ChannelBinding?
        switch proving.first.header.flag {
        case .bound(let type):
            binding = channelBinding(type)
            input += binding?.data ?? []
        case .unsupported, .notOffered:
            binding = nil
        }
        guard ConstantTime.areEqual(final.channelBindingInput, input) else {
            throw SASLFailure(.notAuthorized, "the channel-binding data is not that of this connection")
        }

        let authMessage = ScramProof.authMessage(proving.first, proving.serverFirst, final.withoutProof)
        let clientKey = ScramProof.xor(final.proof, hash.hmac(proving.keys.storedKey, authMessage))
        let isProven = ConstantTime.areEqual(hash.digest(clientKey), proving.keys.storedKey)
        let signature = hash.hmac(proving.keys.serverKey, authMessage)
        guard isProven, !proving.isDecoy else {
            throw SASLFailure(.notAuthorized, proving.isDecoy ? "no such account" : "wrong password")
        }
        if let refusal = proving.refusal { throw refusal }
        return .succeeded(
            username: proving.first.username, channelBinding: binding?.type,
            serverFinal: ScramServerFinal.signature(signature).bytes)
    }

    private func channelBinding(_ type: ChannelBindingType) -> ChannelBinding? {
        guard context.offer.channelBindingTypes.contains(type) else { return nil }
        return context.channelBindings.first { $0.type == type && !$0.data.isEmpty }
    }
}
