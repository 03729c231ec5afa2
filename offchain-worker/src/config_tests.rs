use super::*;
use clap::{CommandFactory, Parser};

#[derive(Parser, Debug)]
struct Flags {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

fn changed() -> Config {
    Config {
        chain: ChainConfig {
            urls: vec!["ws://a:1".into(), "ws://b:2".into()],
            genesis: Some(format!("0x{}", "ab".repeat(32))),
            follow: Follow::Best,
            request_timeout_s: 1,
            connect_timeout_s: 2,
            inclusion_timeout_s: 3,
            poll_ms: 4,
        },
        worker: WorkerConfig { key: Some("/k \"quoted\".json".into()), poke: false },
        storage: StorageConfig {
            state: "/s".into(),
            blobs: "/b".into(),
            peers: vec!["/c".into(), "/d".into()],
            store: Some("s3://bucket/\"prefix\"".into()),
            blobs_limit_mib: Some(7),
            datasets: vec!["/d".into(), "/e".into()],
            min_free_mib: 5,
        },
        network: NetworkConfig {
            listen: Some(([0, 0, 0, 0], 8).into()),
            announce: vec![([192, 0, 2, 1], 0).into(), ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 9).into()],
            relays: vec!["https://relay.example".into()],
            connect_timeout_s: 10,
            idle_timeout_s: 11,
            manner: Manner::Honest,
        },
        engine: EngineConfig { device: "cuda:1".into(), memory_limit_mib: Some(6), save_every_s: 12 },
        metrics: MetricsConfig { listen: Some("127.0.0.1:7".parse().unwrap()) },
    }
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(Config::parse("").unwrap(), Config::default());
    assert!(Config::default().worker.poke);
}

#[test]
fn what_is_written_reads_back() {
    for config in [Config::default(), changed()] {
        let text = config.to_toml();
        assert_eq!(Config::parse(&text).unwrap(), config, "{text}");
    }
}

#[test]
fn no_arguments_are_the_default() {
    // The environment may set some of them where tests run.
    let command = Flags::command();
    if command.get_arguments().any(|flag| flag.get_env().is_some_and(|name| std::env::var_os(name).is_some()))
    {
        return;
    }
    let flags = Flags::parse_from(["x"]);
    assert_eq!(flags.chain, ChainArgs::default());
    assert_eq!(flags.signer, SignerArgs::default());
    assert_eq!(flags.storage, StorageArgs::default());
    assert_eq!(flags.network, NetworkArgs::default());
    assert_eq!(flags.memory, MemoryArgs::default());
    assert_eq!(flags.device, DeviceArgs::default());
    for config in [Config::default(), changed()] {
        let same = config.clone().with_chain(&flags.chain).with_signer(&flags.signer);
        let same = same.with_storage(&flags.storage).with_network(&flags.network).with_memory(&flags.memory);
        assert_eq!(same.with_device(&flags.device), config);
    }
}

#[test]
fn flags_override_the_file() {
    let flags = Flags::parse_from([
        "x",
        "--genesis",
        "0x01",
        "--key",
        "/key",
        "--state",
        "/state",
        "--blobs",
        "/blobs",
        "--dataset",
        "/one",
        "--dataset",
        "/two",
        "--store",
        "file:///store",
        "--blobs-limit-mib",
        "9",
        "--listen",
        "[::]:1",
        "--announce",
        "192.0.2.1:2,192.0.2.2:0",
        "--memory-limit-mib",
        "7",
        "--device",
        "cuda:5",
    ]);
    let config = changed()
        .with_chain(&flags.chain)
        .with_signer(&flags.signer)
        .with_storage(&flags.storage)
        .with_network(&flags.network)
        .with_memory(&flags.memory)
        .with_device(&flags.device);
    assert_eq!(config.chain.genesis.as_deref(), Some("0x01"));
    assert_eq!(config.worker.key.as_deref(), Some(Path::new("/key")));
    assert_eq!(config.storage.state, Path::new("/state"));
    assert_eq!(config.storage.blobs, Path::new("/blobs"));
    assert_eq!(config.storage.datasets, [Path::new("/one"), Path::new("/two")]);
    assert_eq!(config.storage.store.as_deref(), Some("file:///store"));
    assert_eq!(config.storage.blobs_limit_mib, Some(9));
    assert_eq!(config.network.listen, Some("[::]:1".parse().unwrap()));
    assert_eq!(config.network.announce, ["192.0.2.1:2".parse().unwrap(), "192.0.2.2:0".parse().unwrap()]);
    assert_eq!(config.engine.memory_limit_mib, Some(7));
    assert_eq!(config.engine.device, "cuda:5");
}

#[test]
fn parse_of_an_unknown_field_or_a_bad_value_fails() {
    for bad in [
        "[chain]\nurl = \"ws://x\"",
        "[chian]",
        "follow = 1",
        "[chain]\nfollow = \"newest\"",
        "[chain]\nurls = []",
        "[chain]\nrequest_timeout_s = 0",
        "[chain]\nrequest_timeout_s = -1",
        "[engine]\nmemory_limit_mib = 0",
        "[engine]\nsave_every_s = 0",
        "[metrics]\nlisten = \"9616\"",
        "[storage]\nblobs_limit_mib = 0",
        "[network]\nlisten = \"9955\"",
        "[network]\nidle_timeout_s = 0",
    ] {
        assert!(Config::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_file_is_written_once_and_a_named_one_must_exist() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/worker.toml");
    let global = GlobalArgs {
        config: Some(path.clone()),
        urls: vec!["ws://flag:1".into(), "ws://flag:2".into()],
        ..Default::default()
    };
    assert_eq!(Exit::of(&Config::load(&global).unwrap_err()), Exit::BadInput);
    changed().write_new(&path).unwrap();
    assert_eq!(Exit::of(&changed().write_new(&path).unwrap_err()), Exit::BadInput);
    let mut expected = changed();
    expected.chain.urls = vec!["ws://flag:1".into(), "ws://flag:2".into()];
    assert_eq!(Config::load(&global).unwrap(), expected);
}
