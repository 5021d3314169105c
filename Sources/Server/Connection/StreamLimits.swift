package import NIOCore
package import XMPP

/// What one stream may cost, read from the settings once and again when they are reloaded.
///
/// One value is shared by all streams that were opened under it.
package final class StreamLimits: Sendable {
    package let beforeLogin: XMLLimits
    package let afterLogin: XMLLimits
    package let bytesPerSecond: Int
    package let bytesBurst: Int
    package let stanzasPerSecond: Int
    package let stanzasBurst: Int
    package let loginTime: TimeAmount
    package let loginAttempts: Int
    package let bindAttempts: Int
    package let keepalive: TimeAmount
    /// How long an answer to the request for a sign of life may take.
    package let keepaliveAnswer = TimeAmount.seconds(60)
    /// How long a peer may take to end its stream after we have ended ours.
    package let closing = TimeAmount.seconds(3)
    /// Bytes that may wait for a peer that does not read.
    package let unsent = 8 << 20

    package init(_ configuration: Configuration) {
        let beforeLogin = XMLLimits(
            bytes: configuration[LimitSettings.stanzaSizeBeforeLogin].bytes, depth: configuration[LimitSettings.depth],
            attributes: configuration[LimitSettings.attributes],
            unknownNames: configuration[LimitSettings.unknownNames])
        var afterLogin = beforeLogin
        afterLogin.bytes = configuration[LimitSettings.stanzaSize].bytes
        self.beforeLogin = beforeLogin
        self.afterLogin = afterLogin
        bytesPerSecond = configuration[LimitSettings.bytesPerSecond].bytes
        bytesBurst = configuration[LimitSettings.bytesBurst].bytes
        stanzasPerSecond = configuration[LimitSettings.stanzasPerSecond]
        stanzasBurst = configuration[LimitSettings.stanzasBurst]
        loginTime = TimeAmount(configuration[LimitSettings.loginTime])
        loginAttempts = configuration[LimitSettings.loginAttempts]
        bindAttempts = configuration[LimitSettings.bindAttempts]
        keepalive = TimeAmount(configuration[LimitSettings.keepalive])
    }
}
