/// The sections of the file that are no plain settings: domains, listeners, directories, components and the data
/// directory.
struct FixedSections {
    static let names = ["domains", "listen", "directories", "components", "data"]

    static let dataSetting = Setting(
        "data", default: "data", "Where the server keeps its databases, relative to this file.")

    var domains: [DomainSection] = []
    var listeners: [ListenerSection] = []
    var directories: [DirectorySection] = []
    var components: [ComponentSection] = []
    var data: String

    init(_ root: SectionReader, prepareDomain: Configuration.DomainPreparation) {
        let text = root.value(of: Self.dataSetting)
        if text.isEmpty, let entry = root.entry("data") {
            root.report(entry.value.position, "data must be the name of a directory, not \"\"")
        }
        data = root.reading.resolve(text)
        let names = readDirectories(root)
        readDomains(root, prepareDomain: prepareDomain, directories: names)
        readComponents(root, prepareDomain: prepareDomain)
        readListeners(root)
        checkComponentListener(root)
    }

    /// The names of all directories, those with mistakes included.
    private mutating func readDirectories(_ root: SectionReader) -> [String] {
        guard let section = root.subsection("directories") else { return [] }
        for entry in section.entries {
            let name = section.path(YAMLNode.shortened(entry.key))
            if entry.key == "local" || entry.key.isEmpty {
                root.report(entry.position, "\(name) cannot be the name of a directory; choose another")
            }
            // An empty section lacks its servers, which is best said where its name stands.
            let node = entry.value.isNull ? YAMLNode(position: entry.position, content: .null) : entry.value
            guard let reader = SectionReader(node, name: name, reading: root.reading) else { continue }
            directories.append(DirectorySection(name: entry.key, reader))
        }
        return section.entries.map(\.key)
    }

    private mutating func readDomains(
        _ root: SectionReader, prepareDomain: Configuration.DomainPreparation, directories: [String]
    ) {
        guard let entry = root.entry("domains") else {
            root.report(
                root.position,
                "the section \"domains\" is missing; name at least one domain, for example \"domains: {example.org: {}}\""
            )
            return
        }
        guard let section = root.subsection("domains") else { return }
        if section.entries.isEmpty {
            root.report(
                entry.position, "domains is empty; name at least one domain, for example \"domains: {example.org: {}}\""
            )
        }
        for entry in section.entries {
            let shown = YAMLNode.shortened(entry.key)
            var name = entry.key
            do {
                name = try prepareDomain(entry.key)
                if domains.contains(where: { $0.name == name }) {
                    root.report(entry.position, "domain \"\(shown)\" is the same as one above; remove one")
                }
            } catch {
                let reason = (error as? ConfigurationError)?.message ?? "\(error)"
                root.report(entry.position, "\"\(shown)\" is not a domain name; \(reason)")
            }
            guard let reader = SectionReader(entry.value, name: section.path(shown), reading: root.reading) else {
                continue
            }
            domains.append(DomainSection(name: name, reader, directories: directories, prepareDomain: prepareDomain))
        }
    }

    private mutating func readComponents(_ root: SectionReader, prepareDomain: Configuration.DomainPreparation) {
        guard let section = root.subsection("components") else { return }
        for entry in section.entries {
            let shown = YAMLNode.shortened(entry.key)
            var name = entry.key
            do {
                name = try prepareDomain(entry.key)
                if domains.contains(where: { $0.name == name }) || components.contains(where: { $0.name == name }) {
                    root.report(entry.position, "component \"\(shown)\" has the name of another above; change one of them")
                }
            } catch {
                let reason = (error as? ConfigurationError)?.message ?? "\(error)"
                root.report(entry.position, "\"\(shown)\" is not a domain name; \(reason)")
            }
            let node = entry.value.isNull ? YAMLNode(position: entry.position, content: .null) : entry.value
            guard let reader = SectionReader(node, name: section.path(shown), reading: root.reading),
                let component = ComponentSection(name: name, reader)
            else { continue }
            components.append(component)
        }
    }

    /// Components have to get in somewhere.
    private mutating func checkComponentListener(_ root: SectionReader) {
        guard !components.isEmpty, !listeners.contains(where: { $0.kind == .component }) else { return }
        if let entry = root.entry("listen"), !entry.value.isNull {
            root.report(
                entry.position,
                "listen has no entry for the components; add \"- {kind: component, port: \(ListenerSection.component.port)}\"")
        } else {
            listeners.append(.component)
        }
    }

    private mutating func readListeners(_ root: SectionReader) {
        listeners = ListenerSection.defaults
        guard let entry = root.entry("listen") else { return }
        switch entry.value.content {
        case .null:
            return
        case .list(let nodes):
            listeners = []
            if nodes.isEmpty {
                root.report(entry.value.position, "listen is empty; remove the line to listen on the usual ports")
            }
            for (index, node) in nodes.enumerated() {
                let name = "listen entry \(index + 1)"
                guard let reader = SectionReader(node, name: name, separator: ": ", reading: root.reading) else {
                    continue
                }
                let listener = ListenerSection(reader)
                if reader.entry("port") != nil, listeners.contains(where: { $0.collides(with: listener) }) {
                    root.report(
                        node.position,
                        "\(name) listens on port \(listener.port) like an entry above; change one of them")
                }
                listeners.append(listener)
            }
        case .scalar, .section:
            root.report(
                entry.value.position,
                "listen must be a list of entries such as \"- {kind: client, port: 5222}\", not \(entry.value.found)")
        }
    }
}
