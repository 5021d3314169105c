/// An external component (XEP-0114), an entry of `components:`.
package struct ComponentSection: Equatable, Sendable {
    /// The prepared domain name that it answers for.
    package var name: String
    package var secret: Secret
    package var secondConnection = SecondConnection.refuse

    /// By what the component proves who it is.
    package enum Secret: Equatable, Sendable {
        case text(String)
        /// A file that holds it.
        case file(String)
    }

    /// What happens when a component connects that is connected already.
    package enum SecondConnection: String, CaseIterable, Sendable {
        /// The new connection is closed.
        case refuse
        /// The old connection is closed.
        case replace
    }

    package init(name: String, secret: Secret) {
        self.name = name
        self.secret = secret
    }
}

extension ComponentSection {
    /// What the reference configuration shows.
    static let settings = [AnySetting(secretFileSetting), AnySetting(secondConnectionSetting)]

    private static let secretFileSetting = Setting(
        "secret-file", example: "irc.secret",
        """
        File that holds the secret of the component and nothing else, readable by the server alone. Instead of it, \
        "secret" may have the secret itself.
        """)

    private static let secretSetting = Setting("secret", example: "a-long-random-text", "The secret itself.")

    private static let secondConnectionSetting = Setting(
        "second-connection", default: SecondConnection.refuse,
        "What happens to a second connection of the component: refuse it, or replace the first one by it.")

    /// Nil without a usable secret, which is reported.
    init?(name: String, _ section: SectionReader) {
        let file = section.file(Self.secretFileSetting)
        let text = section.value(of: Self.secretSetting)
        section.rejectUnknown(known: Self.settings.map(\.path) + ["secret"])
        switch (file, text) {
        case (let file?, nil):
            self.init(name: name, secret: .file(file))
        case (nil, let text?) where !text.isEmpty:
            self.init(name: name, secret: .text(text))
        case (_?, _?):
            section.report(section.position, "\(section.name) has both \"secret\" and \"secret-file\"; remove one")
            return nil
        case (nil, _?):
            section.report(section.position, "\(section.path("secret")) is empty; anybody could be the component")
            return nil
        case (nil, nil):
            if section.entry("secret-file") == nil, section.entry("secret") == nil {
                section.report(
                    section.position, "\(section.name) needs \"secret-file\", the file with the component's secret")
            }
            return nil
        }
        secondConnection = section.value(of: Self.secondConnectionSetting)
    }

    var entry: ConfigurationEntry {
        // Not the secret, nor anything to guess it by.
        let source =
            switch secret {
            case .text(let text): "text \(text.hashValue)"
            case .file(let path): "file \(path)"
            }
        return ConfigurationEntry("components.\(name)", "\(source) \(secondConnection)", reload: false)
    }
}
