/// The mechanisms and channel-binding types a server offers on one stream (RFC 6120 §6.3.3, XEP-0440).
package struct SASLOffer: Hashable, Sendable {
    /// What decides about the offer.
    package struct Facts: Sendable {
        /// Whether the stream is encrypted.
        package var hasTLS: Bool

        /// Whether PLAIN may be offered without TLS, which only a listener on a loopback address may allow.
        package var allowsPlainWithoutTLS: Bool

        /// The types whose data this connection can supply.
        package var channelBindingTypes: [ChannelBindingType]

        /// The hash functions for which the domain's account sources have SCRAM keys. Clients that are offered SCRAM
        /// do not fall back to PLAIN, so that accounts without keys cannot log in where others have some.
        package var scramHashes: Set<ScramHash.Name>

        /// Whether the domain's account sources can check a password they are shown.
        package var checksPasswords: Bool

        package init(
            hasTLS: Bool, allowsPlainWithoutTLS: Bool = false, channelBindingTypes: [ChannelBindingType] = [],
            scramHashes: Set<ScramHash.Name>, checksPasswords: Bool
        ) {
            self.hasTLS = hasTLS
            self.allowsPlainWithoutTLS = allowsPlainWithoutTLS
            self.channelBindingTypes = channelBindingTypes
            self.scramHashes = scramHashes
            self.checksPasswords = checksPasswords
        }
    }

    /// In order of preference.
    package let mechanisms: [SASLMechanism]

    /// Not empty exactly when a `-PLUS` mechanism is offered: a client that sees only one of the two has to suspect
    /// an attack (XEP-0440, Business Rules 4 and 5).
    package let channelBindingTypes: [ChannelBindingType]

    /// What is missing only because the stream is not encrypted.
    private let afterTLS: Set<SASLMechanism>

    package init(_ facts: Facts) {
        let bindsChannel = facts.hasTLS && !facts.channelBindingTypes.isEmpty
        let showsPassword = facts.hasTLS || facts.allowsPlainWithoutTLS
        let offered = SASLMechanism.byPreference.filter { mechanism in
            switch mechanism {
            case .scram(let hash, let channelBinding):
                facts.scramHashes.contains(hash) && (bindsChannel || !channelBinding)
            case .plain:
                facts.checksPasswords && showsPassword
            }
        }
        mechanisms = offered
        channelBindingTypes = offered.contains(where: \.bindsChannel) ? facts.channelBindingTypes : []
        afterTLS = facts.checksPasswords && !showsPassword ? [.plain] : []
    }

    package var offersChannelBinding: Bool { !channelBindingTypes.isEmpty }

    /// The names to advertise, with those of mechanisms driven elsewhere in front.
    package func advertisement(after others: [String] = []) -> SASLAdvertisement {
        SASLAdvertisement(
            mechanisms: others + mechanisms.map(\.name),
            channelBindingTypes: channelBindingTypes.map(\.rawValue))
    }

    /// The offered mechanism of that name; a mechanism that was not offered is not accepted either.
    func mechanism(named name: String) throws(SASLFailure) -> SASLMechanism {
        guard let mechanism = SASLMechanism(name: name) else {
            throw SASLFailure(.invalidMechanism, "unknown mechanism")
        }
        if mechanisms.contains(mechanism) { return mechanism }
        if afterTLS.contains(mechanism) {
            throw SASLFailure(.encryptionRequired, "\(mechanism.name) needs TLS")
        }
        throw SASLFailure(.invalidMechanism, "\(mechanism.name) was not offered")
    }
}
