import Features
import Logging
import Server

@main
struct Martlet {
    static func main() async throws {
        var c = Configuration(domains: [DomainSection(name: "localhost")], listeners: [ListenerSection(kind: .client, port: 15230, address: .loopback, tls: .optional), ListenerSection(kind: .client, port: 15231, address: .loopback, tls: .direct)], data: "/tmp/martlet-data")
        c[LimitSettings.stanzasPerSecond] = 1_000_000
        c[LimitSettings.stanzasBurst] = 1_000_000
        c[LimitSettings.bytesPerSecond] = .mebibytes(100)
        var l = Logger(label: "martlet"); l.logLevel = .debug
        let s = try await Server(configuration: c, features: allFeatures, logger: l)
        print(s.ports)
        try await Task.sleep(for: .seconds(100000))
    }
}
