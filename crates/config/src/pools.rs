//! `default-address-pools`: where networks get a subnet that nobody chose.

use crate::{Located, Problem, document::Document, keys::meant, network::without_host_bits};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, Ipv6Addr};

const KEY: &str = "default-address-pools";

/// A block that is cut into subnets of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressPool {
    base: IpNetwork,
    size: u8,
}

impl AddressPool {
    /// Its IPv4 subnets, in order; computed one by one, since there may be many.
    pub fn ipv4_subnets(self) -> impl Iterator<Item = Ipv4Network> {
        let first = match self.base {
            IpNetwork::V4(base) => Some(base.network().to_bits()),
            IpNetwork::V6(_) => None,
        };
        let count = 1_u64 << (self.size.saturating_sub(self.base.prefix())).min(32);
        let step = 1_u64 << (32 - u32::from(self.size.min(32)));
        first.into_iter().flat_map(move |first| {
            (0..count).filter_map(move |index| {
                let address = u64::from(first) + index * step;
                let address = Ipv4Addr::from_bits(u32::try_from(address).ok()?);
                Ipv4Network::new(address, self.size).ok()
            })
        })
    }

    /// Its IPv6 subnets, likewise.
    pub fn ipv6_subnets(self) -> impl Iterator<Item = Ipv6Network> {
        let first = match self.base {
            IpNetwork::V6(base) => Some(base.network().to_bits()),
            IpNetwork::V4(_) => None,
        };
        let bits = u32::from(self.size.saturating_sub(self.base.prefix()));
        let count = 1_u128.checked_shl(bits).unwrap_or(u128::MAX);
        let step = 1_u128.checked_shl(128 - u32::from(self.size)).unwrap_or(0);
        first.into_iter().flat_map(move |first| {
            (0..count).filter_map(move |index| {
                let address = Ipv6Addr::from_bits(first + index * step);
                Ipv6Network::new(address, self.size).ok()
            })
        })
    }

    /// The whole block.
    pub fn base(self) -> IpNetwork {
        self.base
    }

    /// The prefix length of the subnets.
    pub fn size(self) -> u8 {
        self.size
    }
}

/// The pools, in the order in which they are used up.
pub(crate) fn read(document: &mut Document) -> Result<Vec<AddressPool>, Located> {
    let list = match document.value(KEY) {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(document.wrong(KEY, "a list of pools", &other, &example())),
    };
    let mut pools: Vec<AddressPool> = Vec::new();
    for item in list {
        let pool = read_one(document, &item)?;
        if let Some(other) = pools.iter().find(|other| overlap(other.base, pool.base)) {
            let (one, other) = (other.base, pool.base);
            return Err(document.at(KEY, Problem::PoolsOverlap { one, other }));
        }
        pools.push(pool);
    }
    Ok(pools)
}

fn example() -> Value {
    json!([{ "base": "10.200.0.0/16", "size": 24 }])
}

fn read_one(document: &Document, item: &Value) -> Result<AddressPool, Located> {
    let right = || document.syntax.spell(KEY, &example());
    let Value::Object(table) = item else {
        return Err(document.wrong(KEY, "a list of tables", item, &example()));
    };
    for key in table.keys() {
        if !["base", "size"].contains(&key.as_str()) {
            let problem = Problem::UnknownPoolKey {
                meant: match key.as_str() {
                    "prefix" | "prefixlen" | "prefix-length" => Some("size".to_owned()),
                    "subnet" | "cidr" | "pool" => Some("base".to_owned()),
                    other => meant(other, &["base", "size"]),
                },
                key: key.clone(),
                right: right(),
            };
            return Err(document.at(KEY, problem));
        }
    }
    let missing = |missing| {
        let right = right();
        document.at(KEY, Problem::HalfAPool { missing, right })
    };
    let base = match table.get("base") {
        None => return Err(missing("base")),
        Some(Value::String(text)) => without_host_bits(document, KEY, text)?,
        Some(other) => return Err(document.wrong(KEY, "a base in quotes", other, &example())),
    };
    let size = match table.get("size") {
        None => return Err(missing("size")),
        Some(size) => size.as_u64().ok_or_else(|| {
            document.wrong(
                KEY,
                "a size that is a number without quotes",
                size,
                &example(),
            )
        })?,
    };
    // Room for the bridge and a container beside the first and the last address.
    let (least, most) = match base {
        IpNetwork::V4(base) => (base.prefix(), 30),
        IpNetwork::V6(base) => (base.prefix(), 126),
    };
    match u8::try_from(size)
        .ok()
        .filter(|size| (least..=most).contains(size))
    {
        Some(size) => Ok(AddressPool { base, size }),
        None => {
            let problem = Problem::PoolSize {
                base,
                size,
                least,
                most,
            };
            Err(document.at(KEY, problem))
        }
    }
}

fn overlap(a: IpNetwork, b: IpNetwork) -> bool {
    a.contains(b.network()) || b.contains(a.network())
}
