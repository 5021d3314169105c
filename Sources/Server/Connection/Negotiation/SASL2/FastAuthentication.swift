internal import Accounts
internal import Storage
internal import XMPP

/// XEP-0484: devices get tokens and log in with them, in one message each way. The mechanisms are checked by
/// `ExtensibleSASL`, the tokens kept by `DeviceTokens`; here is what an administrator may set.
enum FastAuthentication {
    static let enabled = Setting(
        "fast.enabled", default: true,
        "Whether clients may log in again with tokens instead of passwords; for accounts of the server's own database.")

    static let lifetime = Setting(
        "fast.lifetime", default: .seconds(21 * 86_400), in: .seconds(3_600)...(.seconds(366 * 86_400)),
        "How long a token is good for. A device that was away for longer asks for the password again.")

    static let rotation = Setting(
        "fast.rotation", default: .seconds(86_400), in: .seconds(60)...(.seconds(366 * 86_400)),
        "The age at which a token is replaced when it is used.")

    static let devices = Setting(
        "fast.devices", default: 20, in: 1...1_000,
        "How many devices of an account may have tokens; one more takes the place of the one that got its token first.")

    static let settings = [AnySetting(enabled), AnySetting(lifetime), AnySetting(rotation), AnySetting(devices)]

    /// The tokens of a domain's accounts.
    static func tokens(of accounts: LocalAccounts, _ configuration: Configuration, secret: [UInt8]) -> DeviceTokens? {
        guard configuration[enabled] else { return nil }
        func milliseconds(_ duration: Duration) -> Int { Int(duration.components.seconds) * 1_000 }
        return DeviceTokens(
            of: accounts, secret: secret,
            settings: DeviceTokens.Settings(
                lifetime: milliseconds(configuration[lifetime]), rotation: milliseconds(configuration[rotation]),
                devices: configuration[devices]))
    }

    /// Forgets tokens that ended long ago.
    static func chore(_ kernel: @escaping @Sendable () -> Kernel) -> [Registration] {
        Registration.chore(every: .seconds(3_600)) {
            let kernel = kernel()
            for domain in kernel.domains.values {
                try? await domain.tokens?.tidy(now: Int(kernel.clock.date.milliseconds))
            }
        }
    }
}
