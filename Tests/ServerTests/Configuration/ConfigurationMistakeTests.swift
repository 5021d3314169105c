import Testing

@testable import Server

private func lines(_ text: String) -> [String] {
    lines(Array(text.utf8))
}

private func lines(_ bytes: [UInt8]) -> [String] {
    do {
        _ = try Configuration.parse(
            bytes, file: "martlet.yaml", settings: SettingsOfEveryKind.all,
            prepareDomain: Configuration.prepareASCIIDomain)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}

@Suite struct ConfigurationMistakeTests {
    /// A file and what is said about it.
    struct Mistake: CustomTestStringConvertible {
        let text: String
        let lines: [String]

        init(_ text: String, _ lines: String...) {
            self.text = text
            self.lines = lines
        }

        var testDescription: String { lines.first ?? "" }
    }

    static let syntax = [
        Mistake(
            "", "martlet.yaml: is empty; it must name at least one domain, for example \"domains: {example.org: {}}\""),
        Mistake(
            "# nothing\n",
            "martlet.yaml: is empty; it must name at least one domain, for example \"domains: {example.org: {}}\""),
        Mistake(
            "---\n",
            "martlet.yaml: is empty; it must name at least one domain, for example \"domains: {example.org: {}}\""),
        Mistake(
            "just text\n",
            "martlet.yaml:1:1: a configuration must be a section of lines \"key: value\", not \"just text\""),
        Mistake("domains:\n\ta.test:\n", "martlet.yaml:2:1: a line is indented with a tab; use spaces"),
        Mistake("domains:\n  a.test:\n    \tkey: x\n", "martlet.yaml:3:5: a line is indented with a tab; use spaces"),
        Mistake("domains: \u{1}\n", "martlet.yaml:1:10: control character U+1; remove it"),
        Mistake(
            "data: x: y\n",
            "martlet.yaml:1:8: unexpected \":\"; check the indentation, and put a value that contains \": \" in quotes"),
        Mistake(
            "domains:\n  a.test:\n data: x\n",
            "martlet.yaml:3:2: this does not fit the section it stands in; check the indentation and put values with special characters in quotes"
        ),
        Mistake(
            "listen:\n  - {kind: client, port: 5222}\n  kind: client\n",
            "martlet.yaml:3:3: this does not fit the list it stands in; every entry begins with \"- \" in the same column"
        ),
        Mistake("data: @home\n", "martlet.yaml:1:7: unexpected \"@\"; put the value in quotes"),
        Mistake("data: {user}@home\n", "martlet.yaml:1:13: unexpected \"@\"; put the value in quotes"),
        Mistake(
            "data: \"open\ndomains: {a.test: }\n",
            "martlet.yaml:3:1: the text opened in line 1 has no closing quotation mark"),
        Mistake(
            "domains: {a.test: {accounts: [local}}\n",
            "martlet.yaml:1:36: the list opened in line 1 with \"[\" needs a comma here or \"]\" at its end"),
        Mistake(
            "domains: {a.test: \nlisten: \n",
            "martlet.yaml:2:7: the section opened in line 1 with \"{\" needs a comma here or \"}\" at its end"),
        Mistake(
            "data: a\ndomains: {a.test: }\ndata: b\n",
            "martlet.yaml:3:1: key \"data\" appeared already in line 1; keep one"),
        Mistake(
            "domains: {a.test: , a.test: }\n",
            "martlet.yaml:1:11: key \"a.test\" appears more than once in the same section; keep one"),
        Mistake(
            "data: &a b\n", "martlet.yaml:1:7: anchors and aliases (& and *) are not used here; write the value out"),
        Mistake(
            "data: *a\n",
            "martlet.yaml:1:7: aliases (*) are not used here; put a value that begins with \"*\" in quotes"),
        Mistake(
            "data: !!int 5\n",
            "martlet.yaml:1:7: tags such as !!int are not used here; remove \"tag:yaml.org,2002:int\""),
        Mistake("[a]: b\n", "martlet.yaml:1:1: a key must be text, not a list"),
        Mistake(
            "domains: {a.test: }\n---\ndata: x\n",
            "martlet.yaml:2:1: a second document begins here; remove this \"---\" line"),
        Mistake(
            String(repeating: "[", count: 3_000), "martlet.yaml:1:1: too many sections and lists inside each other"),
    ]

    static let keys = [
        Mistake(
            "data: x\n",
            "martlet.yaml:1:1: the section \"domains\" is missing; name at least one domain, for example \"domains: {example.org: {}}\""
        ),
        Mistake(
            "domains:\n",
            "martlet.yaml:1:1: domains is empty; name at least one domain, for example \"domains: {example.org: {}}\""),
        Mistake(
            "domain: {a.test: }\ndomains: {a.test: }\n",
            "martlet.yaml:1:1: unknown key \"domain\"; did you mean \"domains\"?"),
        Mistake(
            "domains:\n  example.test:\n    certificat: x\n",
            "martlet.yaml:3:5: unknown key \"certificat\" in domains.example.test; did you mean \"certificate\"?"),
        Mistake(
            "domains: {a.test: {tls: x}}\n",
            "martlet.yaml:1:20: unknown key \"tls\" in domains.a.test; known here: certificate, key, accounts, moved-to, archive, archive-keep, rooms"),
        Mistake(
            "domains: {a.test: }\nlevel: debug\n",
            "martlet.yaml:2:1: unknown key \"level\"; write \"level\" below \"log:\""),
        Mistake(
            "domains: {a.test: }\nlimits.depth: 9\n",
            "martlet.yaml:2:1: unknown key \"limits.depth\"; write \"depth\" below \"limits:\""),
        Mistake(
            "domains: {a.test: }\nlimits: {stanza_size: 9}\n",
            "martlet.yaml:2:10: unknown key \"stanza_size\" in limits; did you mean \"stanza-size\"?"),
        Mistake(
            "domains: {a.test: }\nlimits: {depth: 1000}\n",
            "martlet.yaml:2:17: limits.depth must be a whole number from 8 to 200, not \"1000\""),
        Mistake(
            "domains: {a.test: }\nlimits: [depth]\n",
            "martlet.yaml:2:9: limits must be a section of lines \"key: value\", not a list"),
        Mistake(
            "domains: {a.test: }\n<<: {data: x}\n",
            "martlet.yaml:2:1: unknown key \"<<\"; known here: domains, listen, directories, components, data, log, local-accounts, limits, kinds"),
        Mistake("domains: {a.test: }\ndata: ''\n", "martlet.yaml:2:7: data must be the name of a directory, not \"\""),
    ]

    static let domains = [
        Mistake(
            "domains: {b_d.test: }\n",
            "martlet.yaml:1:11: \"b_d.test\" is not a domain name; write letters, digits and hyphens with dots between them"
        ),
        Mistake(
            "domains:\n  a.test:\n  A.test:\n",
            "martlet.yaml:3:3: domain \"A.test\" is the same as one above; remove one"),
        Mistake(
            "domains: {a.test: {accounts: [lokal]}}\n",
            "martlet.yaml:1:30: domains.a.test.accounts: there is no directory \"lokal\"; did you mean \"local\"?"),
        Mistake(
            "domains: {a.test: {accounts: [company]}}\n",
            "martlet.yaml:1:30: domains.a.test.accounts: there is no directory \"company\"; describe it under \"directories:\""
        ),
        Mistake(
            "domains: {a.test: {accounts: []}}\n", "martlet.yaml:1:30: domains.a.test.accounts is empty; write [local]"),
        Mistake(
            "domains: {a.test: {accounts: [local, local]}}\n",
            "martlet.yaml:1:30: domains.a.test.accounts names \"local\" twice; remove one"),
        Mistake(
            "domains: {a.test: {certificate: gone.pem}}\n",
            "martlet.yaml:1:20: domains.a.test.certificate needs \"key\" beside it; both come as a pair",
            "martlet.yaml:1:33: domains.a.test.certificate: cannot read \"gone.pem\" (No such file or directory); the path is relative to this file"
        ),
        Mistake(
            "domains: {a.test: {moved-to: 'b.test:0'}}\n",
            "martlet.yaml:1:30: domains.a.test.moved-to must be a host such as other.example.org, 192.0.2.1 or \"[2001:db8::1]\", with a port such as :5222 behind it or without, not \"b.test:0\""
        ),
        Mistake(
            "domains: {a.test: {moved-to: A.test}}\n",
            "martlet.yaml:1:30: domains.a.test.moved-to is the domain itself, to which its clients have just connected; name another host, or a port"
        ),
        Mistake(
            "domains: [a.test]\n", "martlet.yaml:1:10: domains must be a section of lines \"key: value\", not a list"),
    ]

    static let listeners = [
        Mistake("listen: []\n", "martlet.yaml:1:9: listen is empty; remove the line to listen on the usual ports"),
        Mistake(
            "listen: 5222\n",
            "martlet.yaml:1:9: listen must be a list of entries such as \"- {kind: client, port: 5222}\", not \"5222\""),
        Mistake(
            "listen: [5222]\n",
            "martlet.yaml:1:10: listen entry 1 must be a section of lines \"key: value\", not \"5222\""),
        Mistake(
            "listen: [{kind: client}]\n",
            "martlet.yaml:1:10: listen entry 1 needs \"port\"; clients expect 5222, or 5223 with \"tls: direct\""),
        Mistake(
            "listen: [{port: 5222}]\n", "martlet.yaml:1:10: listen entry 1 needs \"kind\"; for example \"kind: client\""
        ),
        Mistake(
            "listen: [{kind: client, port: 70000}]\n",
            "martlet.yaml:1:31: listen entry 1: port must be a whole number from 1 to 65535, not \"70000\""),
        Mistake(
            "listen: [{kind: clint, port: 5222}]\n",
            "martlet.yaml:1:17: listen entry 1: kind must be one of client, server, component, http, https, not \"clint\"; did you mean \"client\"?"
        ),
        Mistake(
            "listen: [{kind: server, port: 5269}]\n",
            "martlet.yaml:1:17: listen entry 1: kind \"server\" is not available in this version; remove this entry"),
        Mistake(
            "listen: [{kind: client, port: 5222, address: localhost}]\n",
            "martlet.yaml:1:46: listen entry 1: address must be an IP address such as \"::\", 0.0.0.0 or 127.0.0.1, not \"localhost\""
        ),
        Mistake(
            "listen: [{kind: client, port: 5222, tls: none}]\n",
            "martlet.yaml:1:42: listen entry 1: tls \"none\" would let passwords cross the network unencrypted; use required or direct, or listen on a loopback address such as 127.0.0.1"
        ),
        Mistake(
            "listen: [{kind: client, port: 5222, tls: optional, address: 192.0.2.1}]\n",
            "martlet.yaml:1:42: listen entry 1: tls \"optional\" would let passwords cross the network unencrypted; use required or direct, or listen on a loopback address such as 127.0.0.1"
        ),
        Mistake(
            "listen:\n- {kind: client, port: 5222, address: 127.0.0.1}\n- {kind: client, port: 5222}\n",
            "martlet.yaml:3:3: listen entry 2 listens on port 5222 like an entry above; change one of them"),
        Mistake(
            "listen: [{kind: client, prot: 5222, port: 1}]\n",
            "martlet.yaml:1:25: unknown key \"prot\" in listen entry 1; did you mean \"port\"?"),
    ]

    static let directories = [
        Mistake(
            "directories: {d: }\n",
            "martlet.yaml:1:15: directories.d needs \"servers\"; for example \"servers: [ldaps://ldap.example.org]\"",
            "martlet.yaml:1:15: directories.d needs \"base\" or \"user-template\", by which people are found"),
        Mistake(
            "directories: {d: {servers: [], base: x}}\n",
            "martlet.yaml:1:28: directories.d.servers is empty; name at least one server such as ldaps://ldap.example.org"
        ),
        Mistake(
            "directories: {d: {servers: [ldap.example.org], base: x}}\n",
            "martlet.yaml:1:28: directories.d.servers: \"ldap.example.org\" is not of the form ldap://HOST, ldaps://HOST or ldaps://HOST:PORT"
        ),
        Mistake(
            "directories: {d: {servers: [\"ldap://h\"], tls: none, base: x}}\n",
            "martlet.yaml:1:47: directories.d.tls \"none\" would let passwords cross the network to h unencrypted; use starttls or ldaps"
        ),
        Mistake(
            "directories: {d: {servers: [\"ldap://h\"], tls: ldaps, base: x}}\n",
            "martlet.yaml:1:47: directories.d.tls is ldaps, but the server is written ldap://h:389; write ldaps:// for ldaps and ldap:// for starttls"
        ),
        Mistake(
            "directories: {d: {servers: [\"ldap://h\"], base: x, bind-dn: y}}\n",
            "martlet.yaml:1:51: directories.d.bind-dn needs \"password-file\" beside it"),
        Mistake(
            "directories: {d: {servers: [\"ldap://h\"], base: x, password: y}}\n",
            "martlet.yaml:1:51: directories.d.password: secrets do not belong in this file; write the password to a file of its own and name it with \"password-file\""
        ),
        Mistake(
            "directories: {d: {servers: [\"ldap://h\"], base: x, filter: (uid=me)}}\n",
            "martlet.yaml:1:59: directories.d.filter must contain {user}, for example (uid={user})"),
        Mistake(
            "directories: {d: {servers: [\"ldap://h\"], base: x, filter: \"(uid={user}\"}}\n",
            "martlet.yaml:1:59: directories.d.filter must stand in parentheses that match, for example (uid={user})"),
        Mistake(
            "directories: {d: {servers: [\"ldap://h\"], user-template: cn=me}}\n",
            "martlet.yaml:1:57: directories.d.user-template must contain {user}, for example uid={user},ou=people,dc=example,dc=org"
        ),
        Mistake(
            "directories: {d: {servers: [\"ldap://h\"], base: x, timeouts: {conect: 1s, tls: 0s}}}\n",
            "martlet.yaml:1:62: unknown key \"conect\" in directories.d.timeouts; did you mean \"connect\"?",
            "martlet.yaml:1:79: directories.d.timeouts.tls must be a time such as 30s, 5m, 12h or 7d, from 1s to 1m, not \"0s\""
        ),
        Mistake(
            "directories: {local: {servers: [\"ldap://h\"], base: x}}\n",
            "martlet.yaml:1:15: directories.local cannot be the name of a directory; choose another"),
        Mistake(
            "directories: {d: {servers: [\"ldap://h\"], base: x, scope: subtree}}\n",
            "martlet.yaml:1:58: directories.d.scope must be one of base, one, sub, not \"subtree\"; did you mean \"sub\"?"
        ),
    ]

    @Test(arguments: syntax + keys + domains)
    func mistake(_ mistake: Mistake) {
        #expect(lines(mistake.text) == mistake.lines)
    }

    static let components = [
        Mistake(
            "components: {c.test: }\n",
            "martlet.yaml:1:14: components.c.test needs \"secret-file\", the file with the component's secret"),
        Mistake(
            "components: {a.test: {secret: x}}\n",
            "martlet.yaml:1:14: component \"a.test\" has the name of another above; change one of them"),
        Mistake(
            "components: {c.test: {secret: x}, C.test: {secret: y}}\n",
            "martlet.yaml:1:35: component \"C.test\" has the name of another above; change one of them"),
        Mistake(
            "components: {c@test: {secret: x}}\n",
            "martlet.yaml:1:14: \"c@test\" is not a domain name; write letters, digits and hyphens with dots between them"),
        Mistake(
            "components: {c.test: {secret: \"\"}}\n",
            "martlet.yaml:1:22: components.c.test.secret is empty; anybody could be the component"),
        Mistake(
            "components: {c.test: {secret: x, second-connection: both}}\n",
            "martlet.yaml:1:53: components.c.test.second-connection must be refuse or replace, not \"both\""),
        Mistake(
            "components: {c.test: {secret: x}}\nlisten: [{kind: client, port: 1}]\n",
            "martlet.yaml:2:1: listen has no entry for the components; add \"- {kind: component, port: 5347}\""),
        Mistake(
            "listen: [{kind: component, port: 1, tls: required}]\n",
            "martlet.yaml:1:42: listen entry 1: tls of components is none or direct; there is no STARTTLS for them"),
        Mistake(
            "listen: [{kind: component, port: 1, address: 192.0.2.1}]\n",
            "martlet.yaml:1:46: listen entry 1: address would let what components send cross the network unencrypted; add \"tls: direct\", or \"tls: none\" if nobody else is on that network"
        ),
    ]

    @Test(arguments: listeners + directories + components)
    func mistakeBesideADomain(_ mistake: Mistake) {
        #expect(lines(mistake.text + "domains: {a.test: }\n") == mistake.lines)
    }

    @Test func textThatIsNotUTF8() {
        let bytes = Array("domains:\n  é".utf8) + [0xff] + Array(": x".utf8)
        #expect(lines(bytes) == ["martlet.yaml:2:4: not UTF-8 text; save the file as UTF-8"])
    }

    @Test func allMistakesAreReportedTogetherInOrder() {
        let text = """
            limits:
              depth: deep
              nonsense: 1
            domains:
              a.test: {acounts: [local]}
            listen:
              - {kind: client, port: x}
            """
        #expect(
            lines(text).map { $0.prefix(20) } == [
                "martlet.yaml:2:10: l", "martlet.yaml:3:3: un", "martlet.yaml:5:12: u", "martlet.yaml:7:26: l",
            ])
    }

    @Test func aMessageIsOneShortLine() {
        for text in [
            "domains: {a.test: }\n\"a\\nb\": 1\n", "data: [\"x\\ny\"]\n",
            "log: {level: \(String(repeating: "x", count: 5_000))}\n",
        ] {
            for line in lines(text) {
                #expect(!line.contains("\n") && line.count < 300)
            }
        }
    }

    @Test(arguments: [
        ("certificat", "certificate"), ("cert", "certificate"), ("ceritficate", "certificate"), ("Key", "key"),
        ("kye", "key"), ("account", "accounts"), ("stanza_size", "stanza-size"),
        ("stanzas-per-sec", "stanzas-per-second"),
    ])
    func suggestion(_ typed: String, _ meant: String) {
        let known = ["certificate", "key", "accounts", "stanza-size", "stanza-size-before-login", "stanzas-per-second"]
        #expect(Suggestion.nearest(to: typed, among: known) == meant)
    }

    @Test(arguments: ["", "x", "no", "password", "tls", "zzzzzzzzzzz"])
    func noSuggestion(_ typed: String) {
        #expect(Suggestion.nearest(to: typed, among: ["certificate", "key", "accounts", "ca"]) == nil)
    }
}
