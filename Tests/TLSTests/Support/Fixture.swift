/// Certificates and contexts that many tests share; made once per run.

import Foundation

@testable import TLS

enum Fixture {
    static let selfSigned = Result { try SelfSignedCertificate(names: ["example.test", "localhost", "127.0.0.1"]) }
    static let certifiedKey = Result { try CertifiedKey(selfSigned.get()) }

    static var identities: TLSIdentities {
        get throws { try TLSIdentities(fallback: server()) }
    }

    static func server(_ names: [String] = []) throws -> TLSContext {
        try .server(names.isEmpty ? certifiedKey.get() : CertifiedKey(SelfSignedCertificate(names: names)))
    }

    /// A client that trusts the shared certificate.
    static func client(maximumVersion: TLSVersion = .tls13, trusting key: CertifiedKey? = nil) throws -> TLSContext {
        let trust = try TrustStore.certificates((key ?? certifiedKey.get()).chain)
        return try TLSContext(.client, nil, minimumVersion: .tls12, maximumVersion: maximumVersion, trust: trust)
    }
}

/// A folder that is gone when the object is.
final class TemporaryFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "tls-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path }

    @discardableResult
    func write(_ name: String, _ content: some Sequence<UInt8>, mode: Int = 0o600) throws -> String {
        try Data(content).write(to: URL(filePath: path(name)))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
        return path(name)
    }

    func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path(name)))) }

    /// Runs the `openssl` command in the folder and returns what it prints.
    @discardableResult
    func openssl(_ arguments: String...) throws -> String {
        try openssl(arguments, input: "")
    }

    func openssl(_ arguments: [String], input: String) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = url
        process.standardInput = try FileHandle(forReadingFrom: URL(filePath: write("input-\(UUID())", input.utf8)))
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw OpenSSLFailed(arguments: arguments) }
        return String(decoding: text, as: UTF8.self)
    }

    struct OpenSSLFailed: Error {
        let arguments: [String]
    }
}
