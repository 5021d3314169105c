internal import NIOCore
internal import Synchronization
internal import XMPP

/// What a stream may authenticate with, and the stream features that tell of it, written once for all streams alike.
final class AuthenticationOffer: Sendable {
    /// What decides about the offer.
    struct Facts: Hashable {
        /// Whether the stream is encrypted.
        var isEncrypted: Bool
        /// Whether passwords may be shown to the server all the same.
        var isSecure: Bool
        var channelBindingTypes: [ChannelBindingType]
        /// The hash functions for which there are SCRAM keys.
        var hashes: Set<ScramHash.Name>
        /// Those for which a client may make some (XEP-0480).
        var upgrades: [ScramHash.Name]
        var offersTokens: Bool
    }

    let sasl: SASLOffer
    /// XEP-0474
    let downgradeProtection: [ScramHash.Name: [UInt8]]
    /// XEP-0484
    let tokenMechanisms: [HashedTokenMechanism]
    /// RFC 6120 §6.4.1, XEP-0440
    let mechanisms: ByteBuffer
    /// XEP-0388 §2.1; empty where it may not be offered.
    let authentication: ByteBuffer

    /// - Parameter inline: the features that can be negotiated with a new session (XEP-0386 §3.1).
    init(_ facts: Facts, inline: [Namespace]) {
        let offer = SASLOffer(
            SASLOffer.Facts(
                hasTLS: facts.isEncrypted, allowsPlainWithoutTLS: facts.isSecure && !facts.isEncrypted,
                channelBindingTypes: facts.channelBindingTypes, scramHashes: facts.hashes, checksPasswords: true))
        sasl = offer
        downgradeProtection = offer.advertisement().downgradeProtection(SASLContext.hashes)
        var writer = XMLWriter()
        writer.element("mechanisms", in: .sasl) { writer in
            for mechanism in offer.mechanisms { writer.element("mechanism", text: mechanism.name) }
        }
        if offer.offersChannelBinding {
            writer.element("sasl-channel-binding", in: .channelBinding) { writer in
                for type in offer.channelBindingTypes { writer.element("channel-binding", ["type": type.rawValue]) }
            }
        }
        mechanisms = writer.buffer
        let tokens =
            facts.isEncrypted && facts.offersTokens
            ? HashedTokenMechanism.possible(with: facts.channelBindingTypes) : []
        tokenMechanisms = tokens
        writer = XMLWriter()
        if facts.isEncrypted, !offer.mechanisms.isEmpty {
            writer.element("authentication", in: .sasl2) { writer in
                for mechanism in offer.mechanisms { writer.element("mechanism", text: mechanism.name) }
                writer.element("inline") { writer in
                    writer.element("sm", in: .streamManagement)
                    writer.element("bind", in: .bind2) { writer in
                        writer.element("inline") { writer in
                            for feature in inline { writer.element("feature", ["var": feature.description]) }
                        }
                    }
                    guard !tokens.isEmpty else { return }
                    writer.element("fast", in: .fast) { writer in
                        for mechanism in tokens { writer.element("mechanism", text: mechanism.name) }
                    }
                }
                for hash in facts.upgrades { writer.element("upgrade", in: .saslUpgrade, text: hash.upgradeTask) }
            }
        }
        authentication = writer.buffer
    }
}

/// The offers made so far, by what decides about them: a handful. Used from every event loop.
final class AuthenticationOffers: Sendable {
    private struct State {
        var offers: [AuthenticationOffer.Facts: AuthenticationOffer] = [:]
        var inline: [Namespace] = []
    }

    private let state = Mutex(State())

    /// The features that can be negotiated with a new session (XEP-0386 §3.1); set before the first offer is made.
    var inline: [Namespace] {
        get { state.withLock { $0.inline } }
        set { state.withLock { $0.inline = newValue } }
    }

    subscript(facts: AuthenticationOffer.Facts) -> AuthenticationOffer {
        state.withLock { state in
            if let offer = state.offers[facts] { return offer }
            let offer = AuthenticationOffer(facts, inline: state.inline)
            state.offers[facts] = offer
            return offer
        }
    }
}

extension StreamHandler {
    private static let offer = StreamSlot<AuthenticationOffer?> { nil }

    /// What the client may authenticate with on this stream; the same from its beginning to its restart.
    var authenticationOffer: AuthenticationOffer {
        if let offer = self[Self.offer] { return offer }
        let domain = machine.domain.flatMap { kernel.domain($0) }
        let hashes = domain?.hashes(of: claimed) ?? []
        let offer = kernel.offers[
            AuthenticationOffer.Facts(
                isEncrypted: facts.contains(.encrypted), isSecure: facts.contains(.secure),
                channelBindingTypes: tls?.channelBindingTypes ?? [], hashes: hashes,
                upgrades: hashes.isEmpty ? [] : ScramHash.Name.upgrades.filter { !hashes.contains($0) },
                offersTokens: domain?.tokens != nil)]
        self[Self.offer] = offer
        return offer
    }
}
