/// What the handlers behind may ask after the handshake, on the event loop; before and when closed there is no answer.

extension TLSHandler {
    package var protocolVersion: TLSVersion? { established?.version }

    /// OpenSSL's name of the cipher suite, for logs.
    package var cipherName: String? { established?.cipherName }

    /// The protocol agreed on by ALPN (RFC 7301).
    package var negotiatedProtocol: String? { established?.negotiatedProtocol }

    /// The name the client asked for by SNI (RFC 6066).
    package var serverName: String? { established?.serverName }

    package var isResumed: Bool { established?.isResumed ?? false }

    package var peerCertificate: Certificate? { established?.peerCertificate }

    package var peerVerification: PeerVerification { established?.peerVerification ?? .absent }

    /// For a client: what makes the next connection to the same server cheaper. TLS 1.3 servers send it after the
    /// handshake, so ask when the connection is about to end.
    package var session: TLSSession? { established?.session }

    /// The data of the channel binding `tls-server-end-point` (RFC 5929).
    package var serverEndPoint: [UInt8]? { established?.serverEndPoint }

    /// The data of the channel binding `tls-exporter` (RFC 9266).
    package var exporterChannelBinding: [UInt8]? {
        exportKeyingMaterial(label: "EXPORTER-Channel-Binding", context: [], length: 32)
    }

    /// Whether `exportKeyingMaterial` has an answer.
    package var isExportable: Bool { established?.isExportable ?? false }

    /// Secret bytes that only the two ends of this connection know (RFC 5705); nil with TLS 1.2 without the extended
    /// master secret, where they would not identify the connection.
    package func exportKeyingMaterial(label: String, context: [UInt8]?, length: Int) -> [UInt8]? {
        established?.exportKeyingMaterial(label: label, context: context, length: length)
    }

    private var established: SSLConnection? {
        connection.flatMap { $0.isEstablished ? $0 : nil }
    }
}
