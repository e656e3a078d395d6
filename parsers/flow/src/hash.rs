//! Hash maps of the flow side: what goes in is chosen by strangers, so the hash is keyed at random, and quick.
//! Nothing that is written depends on the order of a map.

/// A map for keys from the network.
pub type Map<K, V> = std::collections::HashMap<K, V, foldhash::quality::RandomState>;

/// The same, of much that only grows: what is in it stays where it is when it does, in the order in which it came, and has a number.
pub type Grown<K, V> = indexmap::IndexMap<K, V, foldhash::quality::RandomState>;

/// The same without values.
pub type Numbered<K> = indexmap::IndexSet<K, foldhash::quality::RandomState>;

/// A set of keys from the network.
pub type Set<K> = std::collections::HashSet<K, foldhash::quality::RandomState>;
