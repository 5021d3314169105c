/// What a client may choose of an offer, by the business rules of XEP-0440 as XEP-0474 amends them.
struct SASLClientChoice {
    /// In order of preference.
    let mechanisms: [SASLMechanism]

    /// Whether the server's own word on what it offered is needed before the password is used.
    let requiresDowngradeProtection: Bool

    private let channelBinding: ChannelBinding?
    private let withoutBinding: ScramClient.Binding

    init(_ abilities: SASLClient.Abilities, _ offered: SASLAdvertisement) throws(SASLClientError) {
        let known = SASLMechanism.byPreference.filter { offered.mechanisms.contains($0.name) }
        let offersPlus = offered.mechanisms.contains { $0.hasSuffix("-PLUS") }
        let offersTypes = !offered.channelBindingTypes.isEmpty
        let abilitiesByPreference = ChannelBindingType.byPreference.compactMap { type in
            abilities.channelBindings.first { $0.type == type }
        }

        var binding: ChannelBinding?
        var needsProtection = false
        if abilitiesByPreference.isEmpty {
            withoutBinding = .unsupported
        } else {
            switch (offersPlus, offersTypes) {
            case (false, false):
                withoutBinding = .notOffered
            case (false, true):
                throw .suspiciousOffer
            case (true, false):
                // A server without XEP-0440; the type every server has to have is the best guess.
                binding = abilitiesByPreference.first { $0.type == .tlsServerEndPoint } ?? abilitiesByPreference.first
                withoutBinding = .unsupported
            case (true, true):
                binding = abilitiesByPreference.first { offered.channelBindingTypes.contains($0.type.rawValue) }
                needsProtection =
                    binding == nil
                    && !offered.channelBindingTypes.contains(ChannelBindingType.tlsServerEndPoint.rawValue)
                withoutBinding = .unsupported
            }
        }
        channelBinding = binding
        requiresDowngradeProtection = needsProtection
        mechanisms = known.filter { mechanism in
            switch mechanism {
            case .scram(let name, let bindsChannel):
                abilities.hashes.contains { $0.name == name } && (!bindsChannel || binding != nil)
            case .plain:
                // Nobody vouches for the lists here, so that the password is not shown if they look wrong.
                abilities.allowsPlain && !needsProtection
            }
        }
    }

    func binding(bindsChannel: Bool) -> ScramClient.Binding {
        guard bindsChannel, let channelBinding else { return withoutBinding }
        return .bound(channelBinding)
    }
}
