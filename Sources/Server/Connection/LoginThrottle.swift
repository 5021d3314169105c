import XMPP
final class LoginThrottle: Sendable {
    init(_ configuration: Configuration) {}
    func reload(_ configuration: Configuration) {}
    func succeeded(account: JID, address: IPAddress?) {}
}
