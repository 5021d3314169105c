package import NIOCore
package import XMPP

/// What one stream may cost, read from the settings once and again when they are reloaded.
package struct StreamLimits: Sendable {
    package var beforeLogin: XMLLimits
    package var afterLogin: XMLLimits
    package var bytesPerSecond: Int
    package var bytesBurst: Int
    package var stanzasPerSecond: Int
    package var stanzasBurst: Int
    package var loginTime: TimeAmount
    package var loginAttempts: Int
    package var keepalive: TimeAmount
    /// How long an answer to the request for a sign of life may take.
    package var keepaliveAnswer = TimeAmount.seconds(60)
    /// How long a peer may take to end its stream after we have ended ours.
    package var closing = TimeAmount.seconds(3)
    /// Bytes that may wait for a peer that does not read.
    package var unsent = 8 << 20

    package init(_ configuration: Configuration) {
        beforeLogin = XMLLimits(
            bytes: configuration[LimitSettings.stanzaSizeBeforeLogin].bytes, depth: configuration[LimitSettings.depth],
            attributes: configuration[LimitSettings.attributes],
            unknownNames: configuration[LimitSettings.unknownNames])
        afterLogin = beforeLogin
        afterLogin.bytes = configuration[LimitSettings.stanzaSize].bytes
        bytesPerSecond = configuration[LimitSettings.bytesPerSecond].bytes
        bytesBurst = configuration[LimitSettings.bytesBurst].bytes
        stanzasPerSecond = configuration[LimitSettings.stanzasPerSecond]
        stanzasBurst = configuration[LimitSettings.stanzasBurst]
        loginTime = TimeAmount(configuration[LimitSettings.loginTime])
        loginAttempts = configuration[LimitSettings.loginAttempts]
        keepalive = TimeAmount(configuration[LimitSettings.keepalive])
    }
}
