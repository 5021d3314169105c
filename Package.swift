// swift-tools-version: 6.2
import PackageDescription

/// Every target is compiled the same way.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// A module of the server; it may depend only on modules named before it in this file.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

/// The tests of one module; `scripts` are files beside them that are not Swift.
func tests(of name: String, _ dependencies: [Target.Dependency] = [], scripts: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, exclude: scripts,
        swiftSettings: swiftSettings)
}

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
    name: "martlet",
    products: [.executable(name: "martlet", targets: ["martlet"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        // A C target, not a system library: Swift must not see the headers of ICU, because Foundation has its own.
        .target(name: "CICU", linkerSettings: [.linkedLibrary("icuuc")]),
        .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CLDAP", providers: [.apt(["libldap2-dev"])]),
        module("XMPP", ["CICU", "CLibXML2", nioCore]),
        module("TLS", ["COpenSSL", nioCore]),
        module(
            "Storage",
            [
                "CZstd", nioCore, .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        module("Accounts", ["CLDAP", "Storage", "TLS", "XMPP", nioCore, nioPosix, logging]),
        module(
            "Server",
            ["CMalloc", "XMPP", "TLS", "Storage", "Accounts", nioCore, nioPosix, logging, .product(name: "Yams", package: "Yams")]),
        module("Features", ["Server", "Storage", "TLS", "XMPP", nioCore, logging]),
        module("Replay", ["XMPP", "TLS", nioCore, nioPosix]),
        .executableTarget(
            name: "martlet",
            dependencies: [
                "Server", "Features", "Replay", "Accounts", "Storage", "TLS", "XMPP", logging, nioCore, nioPosix,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "xload", cSettings: [.define("_GNU_SOURCE")],
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(
            name: "FaultyDisk", dependencies: [.product(name: "GRDBSQLite", package: "GRDB.swift")], path: "Tests/FaultyDisk",
            swiftSettings: swiftSettings),
        tests(of: "XMPP", ["CLibXML2", nioCore], scripts: ["Address/vectors.py"]),
        tests(of: "TLS", [nioCore, nioPosix, nioEmbedded]),
        tests(of: "Storage", ["FaultyDisk", nioCore], scripts: ["Archive/dictionary.py"]),
        tests(of: "Accounts", ["XMPP", "TLS", "Storage", nioCore, nioPosix, logging]),
        tests(of: "Server", ["Features", "Accounts", "XMPP", logging, nioCore, nioPosix, nioEmbedded]),
        tests(of: "Features", ["FaultyDisk", "Server", "Accounts", "Storage", "XMPP", logging, nioCore, nioPosix]),
        tests(of: "Replay", [nioCore]),
        .testTarget(
            name: "ConformanceTests", 
            dependencies: [
                "Features", "Replay", "Server", "Accounts", "TLS", "XMPP", logging, nioCore, nioPosix, nioEmbedded,
            ],
            swiftSettings: swiftSettings),
    ],
    swiftLanguageModes: [.v6]
)
