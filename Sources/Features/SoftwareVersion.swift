internal import Glibc
package import Server
package import XMPP

/// XEP-0092: tells the name and version of the server, and the operating system where the administrator wants that.
package struct SoftwareVersion: Feature {
    package static let xeps = [92]
    package static let settings = [AnySetting(showsOperatingSystem)]

    static let showsOperatingSystem = Setting(
        "software.show-operating-system", default: false,
        "Whether those who ask for the version of the server are told its operating system.")

    private let operatingSystem: String?

    package init(kernel: Kernel) {
        operatingSystem = kernel.configuration[Self.showsOperatingSystem] ? Self.runningSystem : nil
    }

    package var registrations: [[Registration]] {
        [Asked.server, .services].map { asked in
            Registration.iq(.get, "query", in: .version, on: asked, .inline { _, _, _, writer in
                writer.element("query", in: .version) { writer in
                    writer.element("name", text: Software.name)
                    writer.element("version", text: Software.version)
                    writer.element("os", text: operatingSystem)
                }
            })
        }
    }

    /// Such as `Linux 6.1.0-18-amd64`.
    private static var runningSystem: String? {
        var names = utsname()
        guard uname(&names) == 0 else { return nil }
        return withUnsafeBytes(of: names.sysname) { name in
            withUnsafeBytes(of: names.release) { release in "\(text(name)) \(text(release))" }
        }
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

extension Namespace {
    package static let version: Namespace = "jabber:iq:version"
}
