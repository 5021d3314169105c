import Accounts
import Replay
import Server
import Testing

/// Where TLS is offered and not required, much may be said before it.
@Suite struct OptionalTLSTests {
    /// RFC 6120 §5.4.3.3: what the client has said before TLS is forgotten, SASL included: what is offered after it counts.
    @Test func aHandshakeBegunBeforeTLSIsForgotten() async throws {
        let sasl = "urn:ietf:params:xml:ns:xmpp-sasl"
        let transcript = try TranscriptParser.parse(
            """
            [Client] Romeo
            	jid: romeo@localhost
            	password: romeo
            	stops-at: stream
            	tls: starttls

            -----
            Romeo connects

            Romeo receives:
            	<stream:features/>

            Romeo sends:
            	<auth xmlns='\(sasl)' mechanism='SCRAM-SHA-1'>biwsbj1yb21lbyxyPWZ5a28rZDJsYmJGZ09OUnY5cWt4ZGF3TA==</auth>

            Romeo receives:
            	<challenge xmlns='\(sasl)'>{scansion:any}</challenge>

            Romeo sends:
            	<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>

            Romeo receives:
            	<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>

            Romeo starts TLS

            Romeo sends raw:
            	<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>

            Romeo receives:
            	<stream:stream/>

            Romeo receives:
            	<stream:features/>

            # p=tls-exporter,,n=romeo,r=fyko+d2lbbFgONRv9qkxdawL

            Romeo sends:
            	<auth xmlns='\(sasl)' mechanism='SCRAM-SHA-1-PLUS'>cD10bHMtZXhwb3J0ZXIsLG49cm9tZW8scj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0w=</auth>

            Romeo receives:
            	<challenge xmlns='\(sasl)'>{scansion:any}</challenge>
            """, file: "optional-tls.scs")
        let stage = try await LiveStages.shared.stage(for: transcript)
        try await stage.server.localAccounts(of: stage.domain)?.add("romeo", password: "romeo")
        let transport = LiveTransport(host: "127.0.0.1", ports: [.client: stage.server.ports[1]])
        try await Player(through: transport, domains: ["localhost": stage.domain]).play(transcript)
    }
}
