import Accounts
import FaultyDisk
import Features
import Foundation
import Logging
import NIOCore
import Server
import Testing
import XMPP

/// A server in a process of its own, with the accounts user1 and user2 and a disk that can be made to fail.
///
/// The process is this test program once more, with one test only, which calls `serveIfAsked` first: with the variable
/// set it is the server. It is killed at the latest when the test ends.
final class ServerProcess {
    private static let variable = "FEATURES_TESTS_SERVER_FOLDER"

    let port: Int
    private let process = Process()
    private let input = Pipe()

    /// - Parameter test: the name of the test that calls `serveIfAsked`.
    init(_ folder: String, test: String) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["--testing-library", "swift-testing", "--filter", test]
        process.environment = ProcessInfo.processInfo.environment.merging([Self.variable: folder]) { $1 }
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = output
        try process.run()
        var text = ""
        var found: Int?
        while found == nil {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { break }
            text += String(decoding: more, as: UTF8.self)
            found = text.split(separator: "\n").first { $0.hasPrefix("port ") && text.contains("\($0)\n") }
                .flatMap { Int($0.dropFirst(5)) }
        }
        port = try #require(found, "the server did not start: \(text)")
    }

    /// Lets the disk fail, or work again.
    func setFault(_ fault: FaultyDisk.Fault?) {
        input.fileHandleForWriting.write(Data("\(fault?.rawValue ?? "none")\n".utf8))
    }

    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    func end() {
        kill()
        process.waitUntilExit()
    }

    // MARK: The other process

    static func serveIfAsked() async throws {
        guard let folder = ProcessInfo.processInfo.environment[variable] else { return }
        let parent = getppid()
        Thread.detachNewThread {
            // The tests may be killed, too.
            while getppid() == parent { sleep(1) }
            exit(0)
        }
        FaultyDisk.install()
        var configuration = Configuration(
            domains: [DomainSection(name: "localhost")],
            listeners: [ListenerSection(kind: .client, port: 0, address: .loopback, tls: .none)], data: folder)
        configuration[LimitSettings.stanzasPerSecond] = 1_000_000
        configuration[LimitSettings.stanzasBurst] = 1_000_000
        configuration[AccountSettings.passwordLength] = 1
        let server = try await Server(
            configuration: configuration, features: allFeatures,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, loops: 2)
        // They are there already after the first start.
        for number in 1...2 { try? await server.localAccounts(of: "localhost")?.add("user\(number)", password: "pw\(number)") }
        FileHandle.standardError.write(Data("port \(server.ports[0])\n".utf8))
        while let line = readLine() { FaultyDisk.setFault(FaultyDisk.Fault(rawValue: line), below: folder) }
        exit(0)
    }
}
