import Foundation
import Storage
import Testing

/// A process that is killed keeps every write that it has told anybody about.
///
/// The test starts its own test program a second time, for this test only; in that process the variable is set and
/// the same function is the writer.
@Suite struct KilledWriterTests {
    private static let variable = "STORAGE_TESTS_KILLED_WRITER"

    @Test func everyWriteThatWasAcknowledgedIsThere() async throws {
        if let folder = ProcessInfo.processInfo.environment[Self.variable] {
            try Self.write(into: folder)
        }
        let folder = ScratchFolder()
        for round in 0..<3 {
            let acknowledged = try Self.acknowledgementsUntilKilled(folder.path, after: 50 + 40 * round)
            let database = try Database.open(directory: folder.path, role: .server, migrations: [fruit])
            let kept = Set(try await database.read { try $0.fruits() })
            #expect(acknowledged.count >= 50)
            #expect(acknowledged.filter { !kept.contains($0) } == [])
            database.close()
        }
    }

    /// The other process: writes in groups without end and says what has completed.
    private static func write(into folder: String) throws -> Never {
        let database = try Database.open(directory: folder, role: .server, migrations: [fruit])
        while true {
            let group = DispatchGroup()
            for _ in 0..<10 {
                group.enter()
                let name = UUID().uuidString
                database.write({ try $0.addFruit(name) }) { result in
                    if case .success = result { FileHandle.standardError.write(Data("acknowledged \(name)\n".utf8)) }
                    group.leave()
                }
            }
            group.wait()
        }
    }

    private static func acknowledgementsUntilKilled(_ folder: String, after count: Int) throws -> [String] {
        let writer = Process(), output = Pipe()
        writer.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        writer.arguments = ["--testing-library", "swift-testing", "--filter", "everyWriteThatWasAcknowledgedIsThere"]
        writer.environment = ProcessInfo.processInfo.environment.merging([variable: folder]) { $1 }
        writer.standardOutput = FileHandle.nullDevice
        writer.standardError = output
        try writer.run()
        var text = Data()
        while acknowledgements(in: text).count < count {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            text += more
        }
        kill(writer.processIdentifier, SIGKILL)
        text += output.fileHandleForReading.readDataToEndOfFile()
        writer.waitUntilExit()
        return acknowledgements(in: text)
    }

    /// What the writer said, but for a line that the kill cut short.
    private static func acknowledgements(in text: Data) -> [String] {
        text.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            .filter { $0.hasPrefix("acknowledged ") && $0.count == 49 }.map { String($0.dropFirst(13)) }
    }
}
