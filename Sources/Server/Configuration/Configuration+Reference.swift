extension Configuration {
    /// The text of the reference configuration, `conf/martlet.yaml`: complete, commented, and derived from the
    /// declarations of the kernel and of the given features.
    package static func reference(settings: [AnySetting]) -> String {
        // Contradicting declarations stop the start; here they are merely left out.
        var problems: [ConfigurationError] = []
        let catalogue = SettingCatalogue(kernelSettings + settings, reserved: FixedSections.names, problems: &problems)
        var reference = ReferenceText()
        header(&reference)
        domains(&reference)
        listeners(&reference)
        directories(&reference)
        components(&reference)
        reference.blank()
        reference.setting("data", AnySetting(FixedSections.dataSetting), indent: 0)
        for name in catalogue.names {
            guard case .section(let section)? = catalogue.entries[name] else { continue }
            reference.blank()
            if let comment = sectionComments[name] { reference.comment(comment) }
            reference.section(name, section)
        }
        return reference.text
    }

    private static let sectionComments = [
        "log": "What the server writes about its work.",
        "limits": """
        What one address, one connection and one stanza may cost the server. The defaults suit people's clients; \
        raise them for programs that send a lot.
        """,
    ]

    private static func header(_ reference: inout ReferenceText) {
        reference.comment("The configuration of Martlet, with every setting at its default.")
        reference.comment("")
        reference.comment(
            """
            Copy this file to martlet.yaml and change what you need: lines that begin with # and no space are \
            settings, and removing the # makes them count. The defaults are good to start with, but look at these \
            first:
            """)
        reference.comment("1. the domain, the part of your addresses after the @, in place of localhost")
        reference.comment("2. its certificate, so that clients trust the server")
        reference.comment("3. where its accounts are: here, or in a directory such as Active Directory")
        reference.comment("")
        reference.comment(
            """
            Times are written 30s, 5m, 12h or 7d; sizes in bytes 10000, 256K or 10M; lists [one, two]. Text with : \
            or # or quotes in it, or one of []{},&*!|>@%` at its beginning, belongs in \"quotation marks\".
            """)
        reference.comment(
            """
            Paths are relative to this file. Passwords do not belong here: a setting names a file that holds them. \
            \"martlet check --config FILE\" tells what is wrong with a file. Settings marked (reload) take effect \
            when the server receives SIGHUP, the others at its next start.
            """)
    }

    private static func domains(_ reference: inout ReferenceText) {
        reference.blank()
        reference.comment("The domains of the server. The address alice@example.org needs the domain example.org.")
        reference.line("domains:")
        reference.line("localhost:", indent: 2)
        for setting in DomainSection.settings { reference.setting(setting.path, setting, indent: 4) }
    }

    private static func listeners(_ reference: inout ReferenceText) {
        reference.blank()
        reference.comment("Where the server listens. The keys of an entry:")
        for setting in ListenerSection.settings { reference.comment("\(setting.path): \(setting.comment)") }
        reference.line("listen:")
        for listener in ListenerSection.defaults {
            let tls = listener.tls == .required ? "" : ", tls: \(listener.tls.rawValue)"
            reference.line("#- {kind: \(listener.kind.rawValue), port: \(listener.port)\(tls)}", indent: 2)
        }
        reference.comment("and, where there are components:", indent: 2)
        reference.line("#- {kind: component, port: \(ListenerSection.component.port)}", indent: 2)
    }

    private static func components(_ reference: inout ReferenceText) {
        reference.blank()
        reference.comment(
            """
            External components (XEP-0114), such as gateways to other networks, by the addresses they answer for. \
            Needed is the secret of each.
            """)
        reference.line("components:")
        reference.line("#irc.example.org:", indent: 2)
        for setting in ComponentSection.settings { reference.setting(setting.path, setting, indent: 4) }
    }

    private static func directories(_ reference: inout ReferenceText) {
        reference.blank()
        reference.comment(
            """
            LDAP directories with accounts, by a name of your choice, which a domain lists under \"accounts\". \
            Needed are the servers, and either the base of a search or a user-template.
            """)
        reference.line("directories:")
        reference.line("#company:", indent: 2)
        for setting in DirectorySettings.all { reference.setting(setting.path, setting, indent: 4) }
        for (name, settings) in [("timeouts", DirectorySettings.timeouts), ("limits", DirectorySettings.limits)] {
            reference.line("#\(name):", indent: 4)
            for setting in settings { reference.setting(setting.path, setting, indent: 6) }
        }
    }
}
