//! Hash maps of the flow side: what goes in is chosen by strangers, so the hash is keyed at random, and quick.
//! Nothing that is written depends on the order of a map.

/// A map for keys from the network.
pub type Map<K, V> = std::collections::HashMap<K, V, foldhash::quality::RandomState>;

/// The same without values.
pub type Set<K> = std::collections::HashSet<K, foldhash::quality::RandomState>;
