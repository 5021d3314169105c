import Testing
import XMPP

@testable import Accounts

/// Names in filters and DNs.
@Suite struct DirectoryTemplateTests {
    @Test(arguments: [
        ("alice", "alice"), ("star*user", "star\\2auser"), ("paren(x)", "paren\\28x\\29"),
        ("back\\slash", "back\\5cslash"),
        ("\0", "\\00"), ("李雷", "李雷"), ("*)(uid=*", "\\2a\\29\\28uid=\\2a"), ("e\u{301}", "e\u{301}"),
        ("(\u{301}", "\\28\u{301}"),
    ])
    func filterValues(_ value: String, _ escaped: String) {
        #expect(FilterTemplate.escaped(value) == escaped)
    }

    @Test func filtersAreFilledOnce() throws {
        let template = try FilterTemplate("(&(objectClass=person)(|(uid={user})(mail={user}@example.org)))")
        #expect(
            template.filter(for: "{user}*") == "(&(objectClass=person)(|(uid={user}\\2a)(mail={user}\\2a@example.org)))"
        )
        #expect(template.attributes == ["uid", "mail"])
    }

    @Test(arguments: [
        "", "uid={user}", "(uid={user}", "(uid={user}))", "(&(uid={user})", "(uid=alice)", "(uid={user}*)",
        "(!(uid={user}))",
        "(uid>={user})", "(uid~={user})", "(uid:caseExactMatch:={user})", "({user}=x)", "(uid={user}\\2)",
        "(uid={user}(x))", "(&)",
        "(=x)", "(uid={user})(uid=x)", String(repeating: "(!", count: 5000),
    ])
    func badFiltersAreTold(_ text: String) {
        #expect(throws: DirectoryProblem.self) { try FilterTemplate(text) }
    }

    @Test func anEntryMustBeForExactlyThisUser() throws {
        let template = try FilterTemplate("(|(uid={user})(mail={user}@example.org))")
        func entry(_ values: (String, String)...) -> DirectoryEntry {
            DirectoryEntry(dn: "cn=x", values: values.map { ($0.0, [Array($0.1.utf8)]) })
        }
        #expect(template.names(entry(("uid", "MixedCase")), user: "mixedcase"))
        #expect(template.names(entry(("UID", "jose\u{301}")), user: "jos\u{e9}"))
        #expect(template.names(entry(("uid", "x"), ("mail", "Bob@Example.org")), user: "bob"))
        #expect(!template.names(entry(("uid", "jose")), user: "jos\u{e9}"))
        #expect(!template.names(entry(("uid", "space user")), user: "space  user"))
        #expect(!template.names(entry(("cn", "bob")), user: "bob"))
        #expect(!template.names(entry(), user: "bob"))
    }

    @Test(arguments: [
        ("alice", "alice"), ("Smith, John", "Smith\\, John"), ("#hash", "\\#hash"), (" x ", "\\ x\\ "),
        ("a+b=c", "a\\+b\\=c"),
        ("\"<>;\\", "\\\"\\<\\>\\;\\\\"), ("\0", "\\00"), (" ", "\\ "), ("a#b c", "a#b c"), ("张伟", "张伟"),
    ])
    func distinguishedNameValues(_ value: String, _ escaped: String) {
        #expect(DistinguishedName.escaped(value) == escaped)
        #expect(DistinguishedName.isValid("cn=\(escaped),dc=example"))
    }

    @Test func distinguishedNamesFromNames() throws {
        let template = try NameTemplate("uid={user},ou=people,dc=example,dc=org")
        #expect(template.name(for: "a,b") == "uid=a\\,b,ou=people,dc=example,dc=org")
        #expect(template.name(for: "{user}") == "uid={user},ou=people,dc=example,dc=org")
        // The directory would take these for others.
        for user in [" a", "a ", "a  b"] { #expect(template.name(for: user) == nil) }
    }

    @Test func principalNames() throws {
        let template = try NameTemplate("{user}@ad.example.test")
        #expect(template.name(for: "alice") == "alice@ad.example.test")
        #expect(template.name(for: "o'brien") == "o'brien@ad.example.test")
        for user in ["cn=alice", "a@b", "EXAMPLE\\alice", "a/b", "a,b", "{guid}", "a\0b", "a\nb", " a", "a;b", "*"] {
            #expect(template.name(for: user) == nil, "\(user)")
        }
    }

    @Test(arguments: [
        "", "uid=alice,dc=x", "{user}", "{user}=x,dc=y", "{user}@", "x{user}@y", "{user}@{user}", "{user}@a=b,c",
        "uid={user},",
    ])
    func badTemplatesAreTold(_ text: String) {
        #expect(throws: DirectoryProblem.self) { try NameTemplate(text) }
    }

    @Test(arguments: [
        ("alice", "alice"), ("space\\20user", "space user"), ("a\\26b\\3cc\\3e\\2fd", "a&b<c>/d"),
        ("\\22\\27\\3a\\40\\5c", "\"':@\\"),
        ("\\5c20", "\\20"), ("a\\b", "a\\b"), ("a\\2", "a\\2"), ("\\", "\\"), ("\\2a", "\\2a"), ("\\5c5c20", "\\5c20"),
        ("é\\20ü", "é ü"),
    ])
    func escapedLocalparts(_ localpart: String, _ name: String) {
        #expect(JIDEscaping.unescape(localpart) == name)
    }
}
