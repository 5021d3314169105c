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
    /// How long a component may take nothing of what waits for it.
    package let stall = TimeAmount.seconds(30)

    /// - Parameter content: whose streams are meant.
    package init(_ configuration: Configuration, of content: ContentNamespace = .client) {
        let beforeLogin = XMLLimits(
            bytes: configuration[LimitSettings.stanzaSizeBeforeLogin].bytes, depth: configuration[LimitSettings.depth],
            attributes: configuration[LimitSettings.attributes],
            unknownNames: configuration[LimitSettings.unknownNames])
        var afterLogin = beforeLogin
        let isClient = content == .client
        afterLogin.bytes =
            configuration[isClient ? LimitSettings.stanzaSize : LimitSettings.componentStanzaSize].bytes
        self.beforeLogin = beforeLogin
        self.afterLogin = afterLogin
        bytesPerSecond =
            configuration[isClient ? LimitSettings.bytesPerSecond : LimitSettings.componentBytesPerSecond].bytes
        bytesBurst = configuration[isClient ? LimitSettings.bytesBurst : LimitSettings.componentBytesBurst].bytes
        stanzasPerSecond =
            configuration[isClient ? LimitSettings.stanzasPerSecond : LimitSettings.componentStanzasPerSecond]
        stanzasBurst = configuration[isClient ? LimitSettings.stanzasBurst : LimitSettings.componentStanzasBurst]
        loginTime = TimeAmount(configuration[LimitSettings.loginTime])
        loginAttempts = configuration[LimitSettings.loginAttempts]
        bindAttempts = configuration[LimitSettings.bindAttempts]
        keepalive = TimeAmount(configuration[LimitSettings.keepalive])
    }
}
