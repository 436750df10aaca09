use super::*;

/// `text` means: on this address, these host ports for these container ports.
#[track_caller]
fn means(text: &str, address: Option<&str>, entries: &[(&str, u16)], protocol: Protocol) {
    let spec: PublishSpec = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
    let host = |(ports, container)| match ports {
        HostPorts::Ephemeral => ("any".to_owned(), container),
        HostPorts::FirstFreeOf(range) => (range.to_string(), container),
    };
    let got: Vec<_> = spec.entries().into_iter().map(host).collect();
    let want: Vec<_> = entries.iter().map(|(h, c)| ((*h).to_owned(), *c)).collect();
    assert_eq!(got, want, "{text}");
    assert_eq!(
        spec.host_ip.map(|ip| ip.to_string()).as_deref(),
        address,
        "{text}"
    );
    assert_eq!(spec.protocol, protocol, "{text}");
    assert_eq!(
        spec.to_string().parse::<PublishSpec>().unwrap(),
        spec,
        "{text}"
    );
}

#[test]
fn the_grammar_of_publish() {
    use Protocol::*;
    means("80", None, &[("any", 80)], Tcp);
    means("80/udp", None, &[("any", 80)], Udp);
    means("80/TCP", None, &[("any", 80)], Tcp);
    means("0:80", None, &[("any", 80)], Tcp);
    means(":80", None, &[("any", 80)], Tcp);
    means("8080:80", None, &[("8080", 80)], Tcp);
    means("8080:80/sctp", None, &[("8080", 80)], Sctp);
    means("127.0.0.1:8080:80", Some("127.0.0.1"), &[("8080", 80)], Tcp);
    means("127.0.0.1::80", Some("127.0.0.1"), &[("any", 80)], Tcp);
    means("[::1]:8080:80/udp", Some("::1"), &[("8080", 80)], Udp);
    means(
        "[2001:db8::7]::80",
        Some("2001:db8::7"),
        &[("any", 80)],
        Tcp,
    );
    means("8000-8010:80", None, &[("8000-8010", 80)], Tcp);
    means(
        "8000-8002:80-82",
        None,
        &[("8000", 80), ("8001", 81), ("8002", 82)],
        Tcp,
    );
    means("80-82", None, &[("any", 80), ("any", 81), ("any", 82)], Tcp);
    means("65535:65535", None, &[("65535", 65535)], Tcp);
    means(
        "target=80,published=8080,protocol=udp",
        None,
        &[("8080", 80)],
        Udp,
    );
    means("target=80", None, &[("any", 80)], Tcp);
}

#[test]
fn what_is_wrong_is_named_as_docker_names_it() {
    for (text, error) in [
        ("", "no port specified: <empty>"),
        (
            "127.0.0.1:8080:",
            "no port specified: 127.0.0.1:8080:<empty>",
        ),
        ("8080:/tcp", "no port specified: 8080:/tcp<empty>"),
        ("80/foo", "invalid proto: foo"),
        ("80/", "invalid proto: "),
        ("300.1.1.1:8080:80", "invalid IP address: 300.1.1.1"),
        ("localhost:8080:80", "invalid IP address: localhost"),
        ("::1:8080:80", "invalid IP address: ::1"),
        ("224.0.0.1:80:80", "invalid IP address: 224.0.0.1"),
        (
            "255.255.255.255:80:80",
            "invalid IP address: 255.255.255.255",
        ),
        ("[127.0.0.1]:8080:80", "invalid IP address: [127.0.0.1]"),
        ("[::1:8080:80", "invalid IP address: [::1"),
        ("abc", "invalid containerPort: abc"),
        ("0", "invalid containerPort: 0"),
        ("65536", "invalid containerPort: 65536"),
        ("+80", "invalid containerPort: +80"),
        ("-80", "invalid containerPort: -80"),
        ("90-80", "invalid containerPort: 90-80"),
        ("abc:80", "invalid hostPort: abc"),
        ("70000:80", "invalid hostPort: 70000"),
        ("8010-8000:80", "invalid hostPort: 8010-8000"),
        ("0-10:80", "invalid hostPort: 0-10"),
        (
            "8000:80-81",
            "invalid ranges specified for container and host Ports: 80-81 and 8000",
        ),
        (
            "8000-8001:80-85",
            "invalid ranges specified for container and host Ports: 80-85 and 8000-8001",
        ),
    ] {
        assert_eq!(
            text.parse::<PublishSpec>().unwrap_err().to_string(),
            error,
            "{text:?}"
        );
    }
    assert!("target=80,publish=1".parse::<PublishSpec>().is_err());
}

#[test]
fn exposed_ports_have_no_host_side() {
    let exposed: ExposedPorts = "80-90/udp".parse().unwrap();
    assert_eq!(
        (exposed.ports.count(), exposed.protocol),
        (11, Protocol::Udp)
    );
    for text in ["", "8080:80", "x", "80/foo", "0"] {
        assert!(text.parse::<ExposedPorts>().is_err(), "{text}");
    }
}

#[test]
fn published_ports_print_as_docker_prints_them() {
    let port = PublishedPort {
        protocol: Protocol::Tcp,
        container_port: 80,
        host_ip: "::".parse().unwrap(),
        host_port: 8080,
    };
    assert_eq!(port.to_string(), "[::]:8080->80/tcp");
}
