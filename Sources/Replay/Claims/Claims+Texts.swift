extension [Claim] {
    /// The description of the project that software lists are made from (XEP-0453).
    package var doap: String {
        var text = """
            <?xml version='1.0' encoding='UTF-8'?>
            <rdf:RDF xmlns='http://usefulinc.com/ns/doap#' xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:xmpp='https://linkmauve.fr/ns/xmpp-doap#'>
              <Project>
                <name>Martlet</name>
                <shortdesc xml:lang='en'>An XMPP chat server for a company's own machines</shortdesc>
                <programming-language>Swift</programming-language>
                <os>Linux</os>
                <license rdf:resource='https://www.apache.org/licenses/LICENSE-2.0'/>
                <category rdf:resource='https://linkmauve.fr/ns/xmpp-doap#category-server'/>

            """
        for claim in self where !claim.isXEP {
            let number = claim.specification.filter(\.isNumber)
            text += "    <implements rdf:resource='https://xmpp.org/rfcs/rfc\(number).html'/>\n"
        }
        for claim in self where claim.isXEP {
            text += """
                    <implements>
                      <xmpp:SupportedXep>
                        <xmpp:xep rdf:resource='https://xmpp.org/extensions/xep-\(claim.specification).html'/>
                        <xmpp:version>\(claim.version.escaped)</xmpp:version>
                        <xmpp:status>\(claim.status.rawValue)</xmpp:status>
                        <xmpp:since>\(claim.since.escaped)</xmpp:since>
                        <xmpp:note>\(claim.note.escaped)</xmpp:note>
                      </xmpp:SupportedXep>
                    </implements>

                """
        }
        return text + "  </Project>\n</rdf:RDF>\n"
    }

    /// The table of the README.
    package var table: String {
        var text = "| specification | version | status | |\n|---|---|---|---|\n"
        for claim in self {
            text += "| [\(claim.name)](xep/\(claim.folder)/support.md) | \(claim.version) | \(claim.status.rawValue) | \(claim.note) |\n"
        }
        return text
    }
}

extension String {
    fileprivate var escaped: String {
        reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            default: result.append(character)
            }
        }
    }
}
