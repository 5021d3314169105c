import Foundation
import Testing

@testable import Accounts

/// What an administrator is told before the server starts.
@Suite struct DirectoryConfigurationTests {
    private func keys(_ change: (inout DirectoryConfiguration) -> Void) -> [String] {
        var configuration = DirectoryConfiguration(
            servers: ["ldaps://ldap.example.org"], base: "ou=people,dc=example,dc=org")
        change(&configuration)
        return configuration.problems().map(\.key)
    }

    @Test func theDefaultsNeedOnlyServersAndBase() {
        #expect(keys { _ in } == [])
        #expect(keys { $0.base = nil } == ["base"])
        #expect(
            keys {
                $0.base = nil
                $0.userTemplate = "{user}@example.org"
            } == [])
        #expect(keys { $0.servers = [] } == ["servers"])
    }

    @Test(arguments: [
        ("ldap://ldap.example.org", "ldap://ldap.example.org:389"),
        ("ldaps://ldap.example.org/", "ldaps://ldap.example.org:636"),
        ("ldap://[::1]:3389", "ldap://[::1]:3389"), ("ldap://10.0.0.1:1389", "ldap://10.0.0.1:1389"),
    ])
    func addresses(_ text: String, _ description: String) throws {
        let address = try DirectoryServerAddress(text, security: nil)
        #expect("\(address)" == description)
        #expect(address.security == (text.hasPrefix("ldaps") ? .ldaps : .startTLS))
    }

    @Test(arguments: [
        "ldap.example.org", "http://ldap.example.org", "ldap://", "ldap://host:0", "ldap://host:70000", "ldap://host:x",
        "ldap://host:",
        "ldap://host/dc=x", "ldap://u@host", "ldap://[::1", "ldap://[::1]x", "ldap://a b", "ldap://::1",
    ])
    func badAddressesAreTold(_ text: String) {
        #expect(keys { $0.servers = [text] } == ["servers"])
    }

    @Test func passwordsNeverTravelInClear() {
        for host in ["ldap.example.org", "10.0.0.1", "127.0.0.1.example.org", "127.1", "[2001:db8::1]"] {
            #expect(
                keys {
                    $0.servers = ["ldap://\(host)"]
                    $0.security = DirectoryConfiguration.Security.none
                } == ["servers"], "\(host)")
        }
        for host in ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"] {
            #expect(
                keys {
                    $0.servers = ["ldap://\(host)"]
                    $0.security = DirectoryConfiguration.Security.none
                } == [], "\(host)")
        }
        #expect(keys { $0.security = DirectoryConfiguration.Security.none } == ["servers"])
        #expect(keys { $0.security = .startTLS } == ["servers"])
        #expect(
            keys {
                $0.servers = ["ldap://ldap.example.org"]
                $0.security = .ldaps
            } == ["servers"])
    }

    @Test func filesAndNames() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try "secret\n".write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        #expect(
            keys {
                $0.bindDN = "cn=chat,dc=x"
                $0.passwordFile = file
            } == [])
        #expect(
            keys {
                $0.bindDN = "chat@example.org"
                $0.passwordFile = file
            } == [])
        #expect(
            keys {
                $0.bindDN = "chat"
                $0.passwordFile = file
            } == ["bind-dn"])
        #expect(keys { $0.bindDN = "cn=chat,dc=x" } == ["password-file"])
        #expect(keys { $0.passwordFile = file } == ["bind-dn"])
        #expect(
            keys {
                $0.bindDN = "cn=chat,dc=x"
                $0.passwordFile = "/nonexistent"
            } == ["password-file"])
        #expect(keys { $0.authorities = "/nonexistent" } == ["ca"])
        #expect(keys { $0.base = "people" } == ["base"])
        #expect(
            keys {
                $0.filter = "uid={user}"
                $0.userTemplate = "x"
            } == ["filter", "user-template"])
        #expect(
            keys {
                $0.timeouts.connect = .zero
                $0.limits.bindConnections = 0
            } == ["timeouts.connect", "limits.bind-connections"])
        #expect(try DirectoryPlan.ServiceAccount(dn: "cn=x", passwordFile: file).password() == Array("secret".utf8))
    }

    @Test func anUnusableAuthorityIsToldAtTheStart() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try "no certificate".write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        var configuration = DirectoryConfiguration(servers: ["ldaps://ldap.example.org"], base: "dc=x")
        configuration.authorities = file
        await #expect(throws: DirectoryProblem.self) { try await withAccounts(configuration) { _ in } }
    }
}
