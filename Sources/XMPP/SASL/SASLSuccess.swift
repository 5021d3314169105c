/// Who authenticated, and how (RFC 6120 §6.4.6).
package struct SASLSuccess: Hashable, Sendable {
    /// As the client sent it.
    package let username: String

    package let mechanism: SASLMechanism

    /// The channel-binding type the client proved, if any.
    package let channelBinding: ChannelBindingType?

    /// The text for `<success/>` (SASL2: `<additional-data/>`), Base 64 encoded; nil if there is none.
    package let additionalData: [UInt8]?
}
