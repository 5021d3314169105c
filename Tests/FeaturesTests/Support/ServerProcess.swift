import Accounts
import FaultyDisk
import Features
import Foundation
import Logging
import NIOCore
import Server
import Testing
import XMPP

/// A server in a process of its own, with the accounts user1, user2, … and a disk that can be made to fail.
///
/// The process is this test program once more, with one test only, which calls `serveIfAsked` first: with the variable
/// set it is the server. It is killed at the latest when the test ends.
final class ServerProcess {
    private static let variable = "FEATURES_TESTS_SERVER_FOLDER"

    let port: Int
    private let identifier: pid_t
    private let input: FileHandle
    private let output: FileHandle
    /// What the other process has said, after the last whole line.
    private var text = ""

    /// - Parameter test: the name of the test that calls `serveIfAsked`.
    init(_ folder: String, test: String) throws {
        let (identifier, input, output) = try Self.spawn(
            ["--testing-library", "swift-testing", "--filter", test],
            environment: ProcessInfo.processInfo.environment.merging([Self.variable: folder]) { $1 })
        self.identifier = identifier
        self.input = input
        self.output = output
        var text = ""
        let line = Self.line("port ", from: output, &text)
        port = try #require(line.flatMap { Int($0) }, "the server did not start: \(text)")
        self.text = text
    }

    /// The rest of the next line that begins with a word; nil if the other process has ended.
    private static func line(_ word: String, from output: FileHandle, _ text: inout String) -> String? {
        while true {
            while let end = text.firstIndex(of: "\n") {
                let line = text[..<end]
                text.removeSubrange(...end)
                if line.hasPrefix(word) { return String(line.dropFirst(word.count)) }
            }
            let more = output.availableData
            guard !more.isEmpty else { return nil }
            text += String(decoding: more, as: UTF8.self)
        }
    }

    /// Runs this program once more, with pipes to its input and from its errors.
    ///
    /// By hand: Foundation's `Process` lists the open files of this process first, and sometimes crashes when other tests
    /// open and close some meanwhile.
    private static func spawn(
        _ arguments: [String], environment: [String: String]
    ) throws -> (pid_t, input: FileHandle, output: FileHandle) {
        var input: [Int32] = [0, 0], output: [Int32] = [0, 0]
        try #require(pipe(&input) == 0 && pipe(&output) == 0)
        for end in input + output { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer {
            close(input[0])
            close(output[1])
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], STDERR_FILENO)
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var identifier = pid_t()
        try #require(posix_spawn(&identifier, program, &actions, nil, words, variables) == 0)
        return (
            identifier, FileHandle(fileDescriptor: input[1], closeOnDealloc: true),
            FileHandle(fileDescriptor: output[0], closeOnDealloc: true)
        )
    }

    /// Lets the disk fail, or work again.
    func setFault(_ fault: FaultyDisk.Fault?) {
        input.write(Data("\(fault?.rawValue ?? "none")\n".utf8))
    }

    /// Has a question answered by what `serveIfAsked` was given.
    func ask(_ question: String) throws -> String {
        input.write(Data("\(question)\n".utf8))
        return try #require(Self.line("answer ", from: output, &text), "the server has ended: \(text)")
    }

    func kill() { _ = Foundation.kill(identifier, SIGKILL) }

    func end() {
        kill()
        waitpid(identifier, nil, 0)
    }

    // MARK: The other process

    /// Serves, in the process that is the server.
    /// - Parameter answer: answers questions, in a line; the server ends where it is stopped.
    static func serveIfAsked(
        accounts: Int = 2, _ answer: (String, Server) async throws -> String? = { _, _ in nil }
    ) async throws {
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
        // Tests that run beside many others take their time.
        configuration[LimitSettings.loginTime] = .seconds(300)
        configuration[AccountSettings.passwordLength] = 1
        let server = try await Server(
            configuration: configuration, features: allFeatures,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, loops: 2)
        // They are there already after the first start.
        for number in 1...accounts { try? await server.localAccounts(of: "localhost")?.add("user\(number)", password: "pw\(number)") }
        FileHandle.standardError.write(Data("port \(server.ports[0])\n".utf8))
        while let line = readLine() {
            guard let text = try await answer(line, server) else {
                FaultyDisk.setFault(FaultyDisk.Fault(rawValue: line), below: folder)
                continue
            }
            FileHandle.standardError.write(Data("answer \(text)\n".utf8))
        }
        exit(0)
    }
}
