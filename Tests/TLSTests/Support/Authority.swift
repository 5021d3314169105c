/// A certificate authority with an intermediate one, made by the `openssl` command.

import TLS

struct Authority {
    let folder: TemporaryFolder
    var rootFile: String { folder.path("root.pem") }

    init(in folder: TemporaryFolder) throws {
        self.folder = folder
        try folder.write("ca.cnf", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n".utf8)
        try folder.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            "/CN=Root", "-keyout", "root.key", "-out", "root.pem")
        try request("intermediate", subject: "/CN=Intermediate")
        try folder.openssl(
            "x509", "-req", "-in", "intermediate.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
            "-days", "30", "-extfile", "ca.cnf", "-out", "intermediate.pem")
    }

    func issue(
        _ name: String, withIntermediate: Bool, alternatives: String? = nil
    ) throws -> CertifiedKey {
        try folder.write(
            "leaf.cnf", "subjectAltName=\(alternatives ?? "DNS:\(name)")\nextendedKeyUsage=serverAuth\n".utf8)
        try request("leaf", subject: "/CN=\(name)")
        try folder.openssl(
            "x509", "-req", "-in", "leaf.csr", "-CA", "intermediate.pem", "-CAkey", "intermediate.key",
            "-CAcreateserial", "-days", "30", "-extfile", "leaf.cnf", "-out", "leaf.pem")
        let chain = try folder.read("leaf.pem") + (withIntermediate ? folder.read("intermediate.pem") : [])
        try folder.write("chain.pem", chain)
        return try CertifiedKey(certificateFile: folder.path("chain.pem"), keyFile: folder.path("leaf.key"))
    }

    private func request(_ file: String, subject: String) throws {
        try folder.openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
            "-keyout",
            "\(file).key", "-out", "\(file).csr")
    }
}
