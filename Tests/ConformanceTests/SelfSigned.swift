import TLS

/// A certificate for all domains of the stage.
enum SelfSigned {
    static func write(to folder: String) throws {
        try SelfSignedCertificate(names: ["localhost", "*.localhost"])
            .write(certificateFile: "\(folder)/c.pem", keyFile: "\(folder)/c.key")
    }
}
